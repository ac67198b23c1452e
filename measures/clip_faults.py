"""What makes a clip unfit to learn motion from: a cut, or no motion at all."""

from __future__ import annotations

import numpy as np

from .camera_signature import LEAST
from .motion_measures import MotionMeasures

TIMES_USUAL, LEAST_ERROR = 5.0, 0.04
"""A cut's warp error is so many times the clip's median, and this large: 10 of 255 grey levels."""

LARGEST = 98
"""Percentile of the cells' flow that counts as what moves: 5 of 256 cells may be one small thing.
"""


def cut_at(measures: MotionMeasures) -> int | None:
    """The first frame of another scene; None without one, and in clips of fewer than 4 frames, of
    which nobody can say what is usual.

    Frames of one scene can be pulled onto each other along the flow, those of two cannot.
    """
    errors = np.nan_to_num(measures.warp_error, nan=np.inf)
    if len(errors) < 3:
        return None
    worst = int(errors.argmax())
    usual = float(np.median(np.delete(errors, worst)))
    return worst + 1 if errors[worst] > max(TIMES_USUAL * usual, LEAST_ERROR) else None


def way(measures: MotionMeasures) -> float:
    """What moves fastest, over the whole clip, as a share of the picture's side."""
    lengths = np.linalg.norm(measures.cells, axis=-1).reshape(len(measures.cells), -1)
    side = float(np.sqrt(measures.height * measures.width))
    return float(np.percentile(lengths, LARGEST, axis=1).sum()) / side


def is_still(measures: MotionMeasures) -> bool:
    """Whether nothing moves by 2 % of the picture's side."""
    return way(measures) < LEAST
