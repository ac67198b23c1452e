"""Scenes of what changes over the frames: strengths, prompts, sounds, and clips one after the
other."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from ...motion_models.adapters.pia.affinity import PRESETS
from ...small_world.motions import FRAMES
from .clips import KEPT, NEW, by_curve, by_sound, taken
from .curves import WIDTH, spans, walked
from .drawings import a_video
from .kept import Frames, as_bytes
from .layout import COLOURS, GREEN, Pen, above, again, beside, blank, drawn, enlarged, framed
from .sound import beats
from .world import first

WHOLE = FRAMES + NEW


def travel(seed: int) -> Frames:
    shares = np.linspace(0, 1, FRAMES)
    return above([enlarged(taken("travel", seed)), walked([1 - shares, shares])])


def blend(seed: int) -> Frames:
    return above([enlarged(taken("blend", seed)), walked([by_curve().over_frames(FRAMES)])])


def sound(seed: int) -> Frames:
    curve = walked([by_sound().over_frames(FRAMES)])
    return above([enlarged(taken("beats", seed)), wave(), curve])


@cache
def wave() -> Frames:
    """The sound, and where in it the frame lies."""
    samples = beats()["waveform"][0, 0].numpy()
    loud = np.abs(samples[: samples.size // WIDTH * WIDTH].reshape(WIDTH, -1)).max(1)

    def draw(pen: Pen, number: int) -> None:
        for x, value in enumerate(loud):
            pen.line((x, 20 - 18 * value, x, 20 + 18 * value), fill=GREEN)
        x = (number + 0.5) * WIDTH / FRAMES
        pen.line((x, 0, x, 40), fill=(255, 255, 255), width=2)

    return drawn(blank(FRAMES, 40, WIDTH), draw)


def easings(seed: int) -> Frames:
    """The same keyframes, reached in three ways; the value of each as brightness."""
    made = [
        first("ADK_Strength", per_frame="0: 0, 8: 1, 15: 0.2", easing=easing, frames=FRAMES)
        for easing in ("linear", "smooth", "step")
    ]
    curves = [one.over_frames(FRAMES) for one in made]
    lit = [np.round(255 * c).astype(np.uint8)[:, None, None, None] for c in curves]
    squares = [np.broadcast_to(one, (FRAMES, 56, 72, 3)).copy() for one in lit]
    edges = [
        framed(square, [colour] * FRAMES) for square, colour in zip(squares, COLOURS, strict=False)
    ]
    return above([walked(curves, height=96), beside(edges, 16)])


def hint(seed: int) -> Frames:
    """A hint, and what of it counts."""
    curve = first("ADK_Strength", per_frame="0: 1, 8: 0 smooth", frames=FRAMES).over_frames(FRAMES)
    edges = outlines(a_video(seed, FRAMES))
    faded = (edges * curve[:, None, None, None]).round().astype(np.uint8)
    return above([beside([enlarged(edges), enlarged(faded)]), walked([curve])])


def outlines(frames: Frames) -> Frames:
    """Where neighbouring pixels differ.   f h w 3 -> the same"""
    grey = frames.astype(float).mean(-1)
    down, right = np.gradient(grey, axis=(1, 2))
    strong = np.hypot(down, right).clip(0, 40) / 40 * 255
    return strong.round().astype(np.uint8)[..., None].repeat(3, -1)


def affinities(seed: int) -> Frames:
    """How like the picture each frame stays: of a motion, and of a loop."""
    kinds = ("motion", "loop")
    return above(
        [
            walked(
                [
                    np.array([PRESETS[f"{size} {kind}"].at(n, FRAMES) for n in range(FRAMES)])
                    for size in ("small", "medium", "large")
                ],
                bounds=(0.4, 1.0),
                height=92,
            )
            for kind in kinds
        ]
    )


def forth_and_back(seed: int) -> Frames:
    frames = taken("star", seed)
    both = as_bytes(first("ADK_PlayForthAndBack", images=torch.from_numpy(frames) / 255))
    return beside([enlarged(again(frames, len(both))), enlarged(both)])


def continued(seed: int) -> Frames:
    """The clip before, and the one that begins with its last frames, each when its time comes."""
    found = taken("joined", seed)
    before, after = found[:FRAMES], found[FRAMES : 2 * FRAMES]
    shared = range(FRAMES - KEPT, FRAMES)
    edges = [GREEN if n in shared else None for n in range(WHOLE)]
    left = np.concatenate([enlarged(before), blank(NEW, 128, 128)])
    right = np.concatenate([blank(WHOLE - FRAMES, 128, 128), enlarged(after)])
    clips = beside([framed(left, edges), framed(right, edges)])
    return above([clips, spans(CLIPS, WHOLE, (FRAMES - KEPT, FRAMES))])


CLIPS = [(0, FRAMES), (FRAMES - KEPT, WHOLE)]


def joined(seed: int) -> Frames:
    return above(
        [enlarged(taken("joined", seed)[2 * FRAMES :]), spans([*CLIPS, (0, WHOLE)], WHOLE)]
    )
