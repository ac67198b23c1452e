"""How much moves in clips, and how well it can be followed, beside real clips of the same scenes
(Q3). Neither tells anything alone: a frozen clip can be followed perfectly, and the flow between
shuffled frames is long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ....measures.flow import pairs, warp_error
from ....measures.report import FLOW_RANGE, MOST_ERROR
from ..estimates import Estimate, bootstrap


@dataclass(frozen=True)
class Motion:
    """flow: the mean length of the flow in pixels a frame, the median of the steps; things are
    small here, and a median over the picture would be the ground's.   error: the mean warp error"""

    flow: float
    error: float


def motion_of(frames: Tensor) -> Motion:
    """frames: f h w 3"""
    found = list(pairs(frames))
    lengths = [float(np.linalg.norm(pair.flow, axis=-1).mean()) for pair in found]
    errors = [error for error in map(warp_error, found) if error is not None]
    return Motion(float(np.median(lengths)), float(np.mean(errors)))


@dataclass(frozen=True)
class Range:
    """Medians over the clips, beside those of the real ones."""

    flow: Estimate
    error: Estimate

    @property
    def holds(self) -> bool:
        least, most = FLOW_RANGE
        return least <= self.flow.value <= most and self.error.value <= MOST_ERROR


def compared(clips: Sequence[Motion], real: Sequence[Motion]) -> Range:
    """clips, real: of the same scenes, pair by pair"""

    def ratio(name: str) -> Estimate:
        values = [[getattr(motion, name) for motion in part] for part in (clips, real)]
        return bootstrap(lambda a, b: np.median(a) / np.median(b), *values)

    return Range(ratio("flow"), ratio("error"))
