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


def reversed_clip(clip: Tensor) -> Tensor:
    return clip.flip(0)


def flickering(clip: Tensor, amount: float = 0.15, seed: int = 0) -> Tensor:
    """Every frame brighter or darker by up to `amount`."""
    generator = torch.Generator().manual_seed(seed)
    factors = 1 + amount * (2 * torch.rand((len(clip), 1, 1, 1), generator=generator) - 1)
    return (clip * factors).clamp(0, 1)
