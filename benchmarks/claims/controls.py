"""Clips spoiled on purpose. A measure that does not refuse them proves nothing.   f h w 3"""

from __future__ import annotations

import torch
from torch import Tensor


def shuffled(clip: Tensor, seed: int = 0) -> Tensor:
    """The frames in another order, in which hardly any keeps its neighbours."""
    return clip[shuffled_order(len(clip), seed)]


def shuffled_order(frames: int, seed: int = 0) -> Tensor:
    """Of random orders the first in which at most one in ten steps goes to a neighbour. Raises
    ValueError for fewer than 4 frames, which have no such order."""
    if frames < 4:
        raise ValueError(f"{frames} frames have no order without neighbours; take 4 or more.")
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(frames, generator=generator)
        if int((order.diff().abs() == 1).sum()) <= frames / 10:
            return order


def frozen(clip: Tensor) -> Tensor:
    """The middle frame for all."""
    return clip[len(clip) // 2].expand_as(clip).clone()
