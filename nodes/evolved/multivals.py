"""MULTIVAL: a number, or numbers over frames and pixels, as AnimateDiff-Evolved's nodes hand them
on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...motion_models.call import Call
from ...motion_models.strength import Strength, Values

Multival = float | Tensor
"""A number, or f h w; h and w may both be 1."""


def multival(value: Any, mask: Tensor | None = None) -> Multival:
    """A number or a list of them, one a frame, on a mask where one is given.   mask: f h w

    The last entry of the shorter goes on.
    """
    numbers = numbers_of(value)
    if entries_of(value) is None:
        return numbers[0] if mask is None else mask * numbers[0]
    column = torch.tensor(numbers).view(-1, 1, 1)
    if mask is None:
        return column
    frames = max(len(column), len(mask))
    return extended(mask, frames) * extended(column, frames)


def numbers_of(value: Any) -> list[float]:
    """Raises ValueError for what holds no finite number."""
    entries = entries_of(value)
    try:
        numbers = [float(n) for n in ([value] if entries is None else entries)]
    except (TypeError, ValueError):
        numbers = []
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ValueError(f"float_val is {value!r}; it must be a number, or a list of them.")
    return numbers


def entries_of(value: Any) -> list[Any] | None:
    """The entries of a list of any kind, as other packs hand on: a tuple, a range, an array of
    NumPy, a tensor; None for a single number."""
    if isinstance(value, Tensor | np.ndarray):
        return value.reshape(-1).tolist() if value.ndim else None
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return list(value)
    return None


def extended(entries: Tensor, frames: int) -> Tensor:
    """The first `frames` entries; the last goes on.   entries: m ... -> frames ..."""
    return entries[torch.arange(frames).clamp(max=len(entries) - 1)]


def scaled_mask(low: Any, high: Any, mask: Tensor, relative: bool) -> Multival:
    """A mask carried from 0..1, or from its own lowest and highest, to low..high.   mask: f h w"""
    lows, highs = (torch.tensor(numbers_of(value)).view(-1, 1, 1) for value in (low, high))
    frames = max(len(mask), len(lows), len(highs))
    mask = extended(mask, frames)
    if relative:
        span = mask.max() - mask.min()
        mask = (mask - mask.min()) / span if span > 0 else torch.zeros_like(mask)
    lows, highs = extended(lows, frames), extended(highs, frames)
    return mask * (highs - lows) + lows


def product(values: Sequence[Multival | None]) -> Multival:
    """All of them multiplied; None is 1. Masks of unlike sizes take that of the largest."""
    result: Multival = 1.0
    for value in values:
        if value is not None:
            result = times(result, value)
    return result


def times(one: Multival, other: Multival) -> Multival:
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return one * other
    height, width = max((one.shape[1:], other.shape[1:]), key=lambda size: size[0] * size[1])
    frames = max(len(one), len(other))
    one, other = (extended(resized(v, height, width), frames) for v in (one, other))
    return one * other


def resized(mask: Tensor, height: int, width: int) -> Tensor:
    """mask: f h w -> f height width, bilinear"""
    if mask.shape[1:] == (height, width):
        return mask
    return functional.interpolate(mask.unsqueeze(1), (height, width), mode="bilinear")[:, 0]


def strength(value: Multival) -> Strength:
    return OverMask(value) if isinstance(value, Tensor) else float(value)


@dataclass(frozen=True, eq=False)
class OverMask:
    """Numbers over frames and pixels as a strength.   mask: f h w"""

    mask: Tensor

    def __call__(self, call: Call, height: int, width: int) -> Values:
        """-> (b f) 1 h w"""

        def make() -> Tensor:
            mask = resized(self.mask.float(), height, width)
            return extended(mask, call.run.frames).unsqueeze(1)

        maps = call.run.keep((self, height, width), make)
        return maps[list(call.indices)].repeat(call.videos, 1, 1, 1)
