"""Claim 6: long videos in context windows show no seams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ...measures.motion_measures import measure_motion
from ...measures.seams import SeamTriple, measure_seams, seams_of
from ...sampling.fuse import FUSE_METHODS
from ...sampling.windows import VIEWS, WindowSettings, windows_of
from ...small_world.motions import FRAMES
from ...small_world.scene import Scene, draw
from .animations import grid, save_animation
from .charts import bars
from .estimates import Estimate, mean, share
from .findings import Finding, Picture
from .scenes import REPORT, Case, cases
from .sitting import Sitting
from .studio import Shot

LASTING = ("orbit",)
"""A motion that goes on for as long as one likes, evenly; what bounces turns round by itself."""

LONG, LONGER = 64, 256
OVERLAP = 4
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
FIGURES = ("motion", "warp", "sharpness")

METHOD = f"""\
Videos of {LONG} and {LONGER} frames of things that go round (base model, motion module, no
adapter), in windows of {FRAMES} frames that share {OVERLAP}, by every fuse method and in views, and
in windows that share {2 * OVERLAP}; with noise of each frame's own, and with FreeNoise. Three
figures are compared at the seams and between them: the motion's departure from its neighbours', in
units of the clip's mean flow; what warping cannot explain; and sharpness. A seam shows where one
differs by 10 % or more with a probability by chance below 5 %.
Windows side by side without overlap are the control, and so are drawn videos whose windows are
drawn each for itself; drawn videos without windows have to pass."""


@dataclass(frozen=True)
class Seen:
    """What the seams of some videos show."""

    triples: Sequence[SeamTriple]

    @property
    def unseen(self) -> Estimate:
        """The share of videos that show none."""
        return share([triple.passes for triple in self.triples])

    def effect(self, name: str) -> Estimate:
        return mean([getattr(triple, name).effect or 0.0 for triple in self.triples])


def measure(sitting: Sitting) -> Finding:
    finding = Finding(6, "Long videos show no seams", METHOD)
    for frames, count in ((LONG, sitting.scaled(8)), (LONGER, sitting.scaled(4))):
        found = cases(count, REPORT, LASTING)
        measure_drawn(finding, found, frames)
        measure_methods(finding, sitting, found, frames)
    return finding


def measure_drawn(finding: Finding, found: Sequence[Case], frames: int) -> None:
    whole = [drawn(case.scene, frames) for case in found]
    cut = [drawn_apart(case, frames) for case in found]
    smooth = seen(whole, METHODS["pyramid"])
    name, line = f"{frames} frames, drawn", f"at least {UNSEEN:.0%}"
    finding.add(f"{name}: without seams", smooth.unseen, line, smooth.unseen.value >= UNSEEN, "%")
    apart = seen(cut, BATCHED).unseen
    name, line = f"{name} in windows each for itself: without seams", f"below {UNSEEN:.0%}"
    finding.add(name, apart, line, apart.value < UNSEEN, "%", control=True)


def measure_methods(finding: Finding, sitting: Sitting, found: Sequence[Case], frames: int) -> None:
    shown: dict[str, list[Estimate]] = {"own noise": [], "FreeNoise": []}
    rows = [["method", "noise", *(f"{name}, effect" for name in FIGURES)]]
    clips: dict[str, list[Tensor]] = {}
    for noise, free in (("own noise", False), ("FreeNoise", True)):
        for method, settings in METHODS.items():
            shots = [
                Shot(c.caption, c.seed, frames=frames, windows=settings, free_noise=free)
                for c in found
            ]
            clips[f"{method}, {noise}"] = sitting.render(finding, shots)
            told = seen(clips[f"{method}, {noise}"], settings)
            add_method(finding, f"{frames} frames, {method}, {noise}", told, settings)
            effects = [told_effect(told.effect(name)) for name in FIGURES]
            rows.append([method, noise, *effects])
            shown[noise].append(told.unseen)
    finding.tables.append((f"{frames} frames: effects at the seams", rows))
    names = [method.replace(", ", "\n").replace("-", "-\n") for method in METHODS]
    bars(sitting.pictures / f"windows_{frames}.png", shown, names, "videos without seams", UNSEEN)
    shows = f"Videos of {frames} frames in which no seam shows"
    finding.pictures.append(Picture(f"windows_{frames}.png", shows))
    if frames == LONG:
        draw_clips(finding, sitting, clips)


def add_method(finding: Finding, name: str, told: Seen, settings: WindowSettings) -> None:
    unseen = told.unseen
    if settings is BATCHED:
        line, refused = f"below {UNSEEN:.0%}", unseen.value < UNSEEN
        finding.add(name, unseen, line, refused, "%", control=True)
    else:
        finding.add(name, unseen, f"at least {UNSEEN:.0%}", unseen.value >= UNSEEN, "%")


def draw_clips(finding: Finding, sitting: Sitting, clips: dict[str, list[Tensor]]) -> None:
    chosen = ("pyramid, own noise", "pyramid, FreeNoise", "batched, overlap 0, own noise")
    rows = [clips[name][:4] for name in chosen]
    save_animation(sitting.pictures / "windows.webp", grid(rows))
    shows = "64 frames: pyramid, pyramid with FreeNoise, windows without overlap"
    finding.pictures.append(Picture("windows.webp", shows))


def seen(clips: Sequence[Tensor], settings: WindowSettings) -> Seen:
    return Seen([seam_triple(clip, settings) for clip in clips])


def seam_triple(clip: Tensor, settings: WindowSettings) -> SeamTriple:
    """Held against the mean flow: things are small here, and the median is the ground's."""
    frames, measures = len(clip), measure_motion(clip)
    flow = max(STILL_FLOW, float(np.linalg.norm(measures.cells, axis=-1).mean()))
    return measure_seams(measures, seams_of(windows_of(frames, settings), frames), flow)


def told_effect(effect: Estimate) -> str:
    return f"{effect.value:+.0%} [{effect.low:+.0%}, {effect.high:+.0%}]"


def drawn(scene: Scene, frames: int, first: int = 0) -> Tensor:
    """f h w 3"""
    return torch.from_numpy(draw(scene, np.arange(first, first + frames, dtype=np.float32)))


def drawn_apart(case: Case, frames: int) -> Tensor:
    """Every window of a video begins somewhere else."""
    random = np.random.default_rng(case.seed)
    thing = case.scene.thing
    parts = []
    for _ in range(0, frames, FRAMES):
        x, y = random.uniform(-6, 6, 2)
        other = replace(thing, x=float(x), y=float(y), phase=float(random.uniform()))
        parts.append(drawn(replace(case.scene, thing=other), FRAMES))
    return torch.cat(parts)[:frames]
