"""Whether clips were made or remembered: how near each is to the nearest training clip (Q8)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

CELL = 4
"""Pixels a side of the cells whose means are compared."""


def thumbnail(clip: Tensor) -> Tensor:
    """f h w 3 -> the means of its cells, one row"""
    return functional.avg_pool2d(clip.movedim(-1, 1).float(), CELL).flatten()


def thumbnails(clips: Iterable[Tensor]) -> Tensor:
    """-> n d"""
    return torch.stack([thumbnail(clip) for clip in clips])


def nearest_distances(clips: Tensor, training: Tensor) -> np.ndarray:
    """Root mean square difference of each clip to the training clip nearest to it, in 0..1.
    n d, m d -> n"""
    found = torch.cdist(clips, training).amin(dim=1) / clips.shape[1] ** 0.5
    return found.double().numpy()
