"""Claim 6: long videos in context windows show no seams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ...measures.motion_measures import measure_motion
from ...measures.seams import SeamTriple, measure_seams, seams_of
from ...sampling.fuse import FUSE_METHODS
from ...sampling.windows import VIEWS, WindowSettings, windows_of
from ...small_world.draw import clip_frames
from ...small_world.motions import FRAMES
from .estimates import Estimate, mean, share
from .findings import Figure, Part, Table, at_least, below, figure
from .pictures import animation, bars
from .scenes import REPORT, Case, cases
from .studio import Studio

LASTING = ("orbit",)  # goes on for as long as one likes, evenly; what bounces turns round
LONG, LONGER, OVERLAP = 64, 256, 4
UNSEEN = 0.75
"""Of the videos, how many may show nothing at their seams by chance alone, and no method fewer: of
three figures at 5 % each, some show something."""
STILL_FLOW = 0.1
"""Pixels a frame that jumps are held against in clips in which hardly anything moves."""

BATCHED = WindowSettings(FRAMES, 0, schedule="batched", fuse="flat")
METHODS = {
    **{fuse: WindowSettings(FRAMES, OVERLAP, fuse=fuse) for fuse in FUSE_METHODS},
    "pyramid, overlap 8": WindowSettings(FRAMES, 2 * OVERLAP),
    "views": WindowSettings(FRAMES, OVERLAP, schedule=VIEWS),
    "batched, overlap 0": BATCHED,
}
NOISES = {"own noise": False, "FreeNoise": True}
FIGURES, SIGNED = ("motion", "warp", "sharpness"), "{0.value:+.0%} [{0.low:+.0%}, {0.high:+.0%}]"
DRAWN = ("pyramid, own noise", "pyramid, FreeNoise", "batched, overlap 0, own noise")

Seams = Sequence[SeamTriple]  # what the seams of some videos show


def parts(studio: Studio) -> Iterator[Part]:
    for frames, count in ((LONG, 8), (LONGER, 4)):
        found = cases(studio.scaled(count), REPORT, LASTING)
        whole = [torch.from_numpy(clip_frames(case.scene, frames)) for case in found]
        cut = [drawn_apart(case, frames) for case in found]
        name = f"{frames} frames, drawn: without seams"
        yield unseen_figure(name, seen(whole, METHODS["pyramid"]))
        name = f"{frames} frames, drawn in windows each for itself: without seams"
        yield unseen_figure(name, seen(cut, BATCHED), control=True)
        yield from method_parts(studio, found, frames)


def unseen_figure(name: str, shown: Seams, control: bool = False) -> Figure:
    line = below(UNSEEN) if control else at_least(UNSEEN)
    return figure(name, unseen(shown), line, "%", control)


def method_parts(studio: Studio, found: list[Case], frames: int) -> Iterator[Part]:
    shown: dict[str, list[Estimate]] = {noise: [] for noise in NOISES}
    rows = [["method", "noise", *(f"{name}, effect" for name in FIGURES)]]
    clips: dict[str, list[Tensor]] = {}
    for noise, free in NOISES.items():
        for method, settings in METHODS.items():
            name = f"{method}, {noise}"
            clips[name] = studio.shoot(found, frames=frames, windows=settings, free_noise=free)
            told = seen(clips[name], settings)
            yield unseen_figure(f"{frames} frames, {name}", told, settings is BATCHED)
            effects = (effect(told, kind) for kind in FIGURES)
            rows.append([method, noise, *(SIGNED.format(e) for e in effects)])
            shown[noise].append(unseen(told))
    yield Table(f"{frames} frames: effects at the seams", rows)
    names = [method.replace(", ", "\n").replace("-", "-\n") for method in METHODS]
    path, shows = f"windows_{frames}.png", f"Videos of {frames} frames in which no seam shows"
    yield bars(studio.pictures / path, shown, names, "videos without seams", UNSEEN, shows)
    if frames == LONG:
        shows = "64 frames: pyramid, pyramid with FreeNoise, windows without overlap"
        rows = [clips[name][:4] for name in DRAWN]
        yield animation(studio.pictures / "windows.webp", rows, shows)


def seen(clips: Sequence[Tensor], settings: WindowSettings) -> Seams:
    return [seam_triple(clip, settings) for clip in clips]


def unseen(shown: Seams) -> Estimate:
    """The share of videos that show no seam."""
    return share([triple.passes for triple in shown])


def effect(shown: Seams, name: str) -> Estimate:
    return mean([getattr(triple, name).effect or 0.0 for triple in shown])


def seam_triple(clip: Tensor, settings: WindowSettings) -> SeamTriple:
    """Held against the mean flow: things are small here, and the median is the ground's."""
    frames, measures = len(clip), measure_motion(clip)
    flow = max(STILL_FLOW, float(np.linalg.norm(measures.cells, axis=-1).mean()))
    return measure_seams(measures, seams_of(windows_of(frames, settings), frames), flow)


def drawn_apart(case: Case, frames: int) -> Tensor:
    """Every window of a video begins somewhere else."""
    random, windows = np.random.default_rng(case.seed), []
    for _ in range(0, frames, FRAMES):
        x, y = map(float, random.uniform(-6, 6, 2))
        thing = replace(case.scene.thing, x=x, y=y, phase=float(random.uniform()))
        windows.append(clip_frames(replace(case.scene, thing=thing)))
    return torch.from_numpy(np.concatenate(windows)[:frames])
