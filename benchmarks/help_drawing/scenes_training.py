"""Scenes of training: clips and what is cut from them, and runs that learn."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ...measures.motion_measures import CELLS, measure_motion
from ...small_world import files
from ...small_world.draw import camera_clip, clip_frames
from ...small_world.motions import FRAMES
from ...training.run.loss_plot import draw_losses
from .clips import taken
from .drawings import a_video
from .kept import Frames, as_bytes
from .layout import (
    COLOURS,
    ORANGE,
    Pen,
    above,
    again,
    beside,
    blank,
    drawn,
    enlarged,
    framed,
    labelled,
    shrunk,
)
from .scenes_noise import in_colours, latent_format
from .training_runs import STAGES, training
from .world import first, models


def read(clips: Any, index: int = 0) -> Frames:
    return as_bytes(clips.read(index).frames)


def cut_videos(seed: int) -> Frames:
    """The video with the part that is kept, and every second frame of it as a clip."""
    whole = enlarged(a_video(seed, 32))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "video"
        place.mkdir()
        for number, frame in enumerate(whole):
            Image.fromarray(frame).save(place / f"{number:03d}.png")
        settings = {"width": 96, "height": 128, "captions": "fixed caption", "caption": "a"}
        clips = first("ADK_VideoClips", source=folder, frames=16, stride=2, **settings)
        clip = read(clips)
    left = drawn(whole, lambda pen, n: pen.rectangle((16, 0, 111, 127), outline=ORANGE, width=2))
    return beside([left, framed(clip, [ORANGE] * len(clip))], 16)


def cut_images(seed: int) -> Frames:
    """A batch of images, and the three clips that it is cut into."""
    whole = a_video(seed, 24)
    clips = first(
        "ADK_ClipsFromImages", images=torch.from_numpy(whole) / 255, frames=8, caption="a"
    )
    parts = [read(clips, index) for index in range(3)]
    edges = [COLOURS[n // 8] for n in range(24)]
    shown = [framed(part, [COLOURS[i]] * 8) for i, part in enumerate(parts)]
    return above([framed(enlarged(whole), edges), beside(shown, 16)], 12)


SMALL: dict[str, Any] = {"width": 64, "height": 64, "caption": "a still"}


def camera(seed: int) -> Frames:
    """The window that moves over a picture, and what it shows."""
    scene = camera_clip(seed, 0, "roll clockwise")
    still = torch.from_numpy(clip_frames(replace(scene, camera="none"), 1)).float()
    large = still.repeat_interleave(3, 1).repeat_interleave(3, 2)
    clips = first("ADK_CameraMove", clips=large, move="zoom in", **SMALL, seed=seed)
    clips = first("ADK_CameraMove", clips=clips, move="roll clockwise", seed=seed)
    windows = clips.windows(0, FRAMES, large.shape[1:3])
    whole = again(as_bytes(large), FRAMES)

    def draw(pen: Pen, number: int) -> None:
        corners = windows[number].corners()
        points = [corners[i] for i in (0, 1, 3, 2, 0)]
        pen.line(points, fill=ORANGE, width=4)

    left = np.stack([shrunk(page, 128) for page in drawn(whole, draw)])
    return beside([left, framed(enlarged(read(clips)), [ORANGE] * FRAMES)])


@torch.inference_mode()
def encoded(seed: int) -> Frames:
    """The frames, and their latents in the colours of live previews."""
    frames = taken("star", seed)
    latents = models(files.BASE)[2].encode(torch.from_numpy(frames).float() / 255)
    return beside([enlarged(frames), enlarged(in_colours(latent_format().process_in(latents)))])


def measured(seed: int) -> Frames:
    """A clip, and how its content moves from frame to frame."""
    frames = as_bytes(torch.from_numpy(clip_frames(camera_clip(seed, 0, "zoom in"))))
    measures = measure_motion(torch.from_numpy(frames).float() / 255)
    zoom = measures.camera().zoom_factor
    unit = 128 / CELLS

    def draw(pen: Pen, number: int) -> None:
        cells = measures.cells[min(number, len(measures.cells) - 1)]
        for row in range(1, CELLS, 2):
            for column in range(1, CELLS, 2):
                x, y = unit * column, unit * row
                right, down = 5 * cells[row, column]
                pen.line((x, y, x + right, y + down), fill=ORANGE, width=2)
                pen.ellipse((x - 1, y - 1, x + 1, y + 1), fill=ORANGE)

    arrows = drawn(blank(len(frames), 128, 128), draw)
    return beside([labelled(enlarged(frames), ""), labelled(arrows, f"x {zoom:.2f}")])


def run(name: str, seed: int, pages: int = 24) -> Frames:
    """The loss so far, and the last preview."""
    found, steps = training(name, seed), STAGES[name].settings["steps"]
    losses, at, previews = found["losses"], found["steps"], found["previews"]
    shown = []
    for number in range(pages):
        step = (number + 1) * steps // pages
        plot = np.asarray(draw_losses(losses[:step].tolist(), steps, f"{step} / {steps}"))
        there = [p for s, p in zip(at, previews, strict=True) if s <= step]
        frame = there[-1][number % len(there[-1])] if there else np.full((64, 64, 3), 58, np.uint8)
        parts = [shrunk(plot, 256)[None], enlarged(frame[None])]
        shown.append(above(parts)[0])
    return np.stack(shown)
