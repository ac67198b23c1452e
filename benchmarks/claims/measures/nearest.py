"""Whether clips were made or remembered: how near each is to the nearest training clip (Q8)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

CELL = 4
"""Pixels a side of the cells whose means are compared."""


def thumbnails(clips: Iterable[Tensor]) -> Tensor:
    """The means of their cells, a row each.   each f h w 3 -> n d"""
    cells = (functional.avg_pool2d(clip.movedim(-1, 1).float(), CELL) for clip in clips)
    return torch.stack([each.flatten() for each in cells])


def nearest_distances(clips: Tensor, training: Tensor) -> np.ndarray:
    """Root mean square difference of each clip to the training clip nearest to it, in 0..1.
    n d, m d -> n"""
    found = torch.cdist(clips, training).amin(dim=1) / clips.shape[1] ** 0.5
    return found.double().numpy()
