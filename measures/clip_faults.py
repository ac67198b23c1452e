"""What makes a clip unfit to learn motion from: a cut, or no motion at all."""

from __future__ import annotations

import numpy as np

from .camera_signature import LEAST
from .motion_measures import MotionMeasures

TIMES_SPREAD, LEAST_EXCESS = 10.0, 0.04
"""What a cut's warp error is above the clip's median: so many times the median distance from it,
and 10 of 255 grey levels."""

LARGEST = 98
"""Percentile of the cells' flow that counts as what moves: 5 of 256 cells may be one small thing.
"""


def cut_at(measures: MotionMeasures) -> int | None:
    """The first frame of another scene; None without one, and in clips of fewer than 4 frames, of
    which nobody can say what is usual.

    Frames of one scene can be pulled onto each other along the flow, those of two cannot.
    """
    errors = np.nan_to_num(measures.warp_error, nan=1.0)  # it leaves the picture everywhere
    if len(errors) < 3:
        return None
    worst = int(errors.argmax())
    others = np.delete(errors, worst)
    usual = np.median(others)
    spread = np.median(np.abs(others - usual))
    is_cut = errors[worst] - usual > max(TIMES_SPREAD * spread, LEAST_EXCESS)
    return worst + 1 if is_cut else None


def way(measures: MotionMeasures) -> float:
    """How far what moves most gets from where it begins, as a share of the picture's side. The flow
    that noise gives to a still picture goes to and fro and gets nowhere."""
    ways = np.linalg.norm(np.cumsum(measures.cells, axis=0), axis=-1)
    side = float(np.sqrt(measures.height * measures.width))
    return float(np.percentile(ways.reshape(len(ways), -1), LARGEST, axis=1).max()) / side


def is_still(measures: MotionMeasures) -> bool:
    """Whether nothing moves by 2 % of the picture's side."""
    return way(measures) < LEAST
