"""How previews move, beside how the training clips do."""

from __future__ import annotations

import importlib
import math
import statistics
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...measures.motion_measures import measure_motion
from ...measures.report import clip_figures
from ..engine.clip_loss import ClipLoss
from ..engine.looks import MOVES, PreviewFigures
from .eyes import Eyes, Wanted

OWN = 8
"""Training clips that are measured: as many as there are previews, mostly."""


def can_measure() -> bool:
    """Whether OpenCV is there, which is an extra."""
    try:
        importlib.import_module("cv2")
    except ImportError:
        return False
    return True


def figures_of(frames: Tensor, seed: int = 0, prompt: str = "") -> PreviewFigures:
    """frames: f h w 3 in 0..1"""
    found = clip_figures(measure_motion(frames))
    camera = found["camera"]
    return PreviewFigures(
        seed,
        prompt,
        camera["pan_percent"] / 100,
        camera["tilt_percent"] / 100,
        camera["zoom_factor"],
        camera["roll_degrees"],
        camera["off_axis"],
        found["median_flow"],
        math.nan if found["warp_error"] is None else found["warp_error"],
    )


@dataclass(frozen=True)
class Reference:
    """What the training clips themselves show, through the same VAE."""

    clips: tuple[PreviewFigures, ...]

    def flow(self) -> float:
        return statistics.median(clip.flow for clip in self.clips)

    def warp_error(self) -> float:
        known = [c.warp_error for c in self.clips if math.isfinite(c.warp_error)]
        return statistics.fmean(known) if known else math.nan

    def amount(self, move: str) -> float:
        return statistics.median(clip.amount(move) for clip in self.clips)

    def move(self) -> str:
        """The camera's move that most of the clips show, or "" where they show none."""
        shown = [max(MOVES, key=lambda move: displaced(clip, move)) for clip in self.clips]
        move = statistics.mode(shown)
        enough = sum(displaced(clip, move) >= LEAST for clip in self.clips)
        return move if 2 * shown.count(move) > len(shown) < 2 * enough else ""

    def beside(self, frames: Tensor, wanted: Wanted) -> PreviewFigures:
        """A preview's figures, and as shares of the clips' own.   frames: f h w 3"""
        own = figures_of(frames, wanted.seed, wanted.prompt)
        shares = {
            "flow_share": share(own.flow, self.flow()),
            "warp_share": share(own.warp_error, self.warp_error()),
        }
        return PreviewFigures(**{**vars(own), **shares})


LEAST = 0.02
"""Of the picture's side: what a camera's move displaces its content by, at least."""

RADIUS = 0.38
"""Mean distance of a square's points from its middle, over its side."""


def displaced(clip: PreviewFigures, move: str) -> float:
    """What a move shifts an average point by, over the picture's side; below 0 the other way."""
    amount = clip.amount(move)
    if "zoom" in move:
        return RADIUS * amount
    return RADIUS * math.radians(amount) if "roll" in move else amount


def share(value: float, of: float) -> float:
    return value / of if of else math.nan


def reference_of(loss: ClipLoss, eyes: Eyes) -> Reference:
    """Of the first clips that are trained on and have the size of previews."""
    shape = loss.clips.shape(0)
    chosen = [i for i in loss.shown if loss.clips.shape(i) == shape][:OWN]
    return Reference(tuple(figures_of(eyes.decoded(loss.clips.latents(i))) for i in chosen))


def columns_of(seen: PreviewFigures) -> dict[str, Any]:
    """As tables have it: numbers short, what is not known empty."""
    return {
        name: value if isinstance(value, (int, str)) else text_of(value)
        for name, value in vars(seen).items()
    }


def text_of(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
