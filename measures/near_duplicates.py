"""Clips that show nearly the same pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

CELLS = 8
"""A picture is compared by the mean colours of so many cells a side."""

NEAR = 0.15
"""Of two clips' contrast: what they may differ by."""

ROWS = 512
"""Clips that are compared with all others at one time."""


def signature(frames: Tensor) -> np.ndarray:
    """Mean colours of the first, the middle and the last frame.   f h w 3 -> n, float32"""
    chosen = torch.stack([frames[i] for i in (0, len(frames) // 2, -1)]).float().movedim(-1, 1)
    return functional.adaptive_avg_pool2d(chosen, CELLS).flatten().cpu().numpy()


def near_duplicates(signatures: Sequence[np.ndarray]) -> list[list[int]]:
    """Groups of clips that differ by less than a share of their contrast, which a new encoding or
    another size stays below; each joins the first that it is near to.   signatures: of each clip"""
    if not signatures:
        return []
    all_of = np.stack(signatures).astype(np.float64)
    contrast = np.maximum(all_of.std(axis=1), 1e-6)
    squares = (all_of**2).mean(axis=1)
    groups: dict[int, list[int]] = {}
    first_of: list[int] = []
    for start in range(0, len(all_of), ROWS):
        rows = slice(start, start + ROWS)
        products = all_of[rows] @ all_of.T / all_of.shape[1]
        distances = np.sqrt(np.maximum(squares[rows, None] + squares - 2 * products, 0))
        near = distances <= NEAR * np.minimum(contrast[rows, None], contrast) + 1e-6
        for index, first in enumerate(near.argmax(axis=1).tolist(), start):
            first_of.append(index if first >= index else first_of[first])
            groups.setdefault(first_of[index], []).append(index)
    return [group for group in groups.values() if len(group) > 1]
