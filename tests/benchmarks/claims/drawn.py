"""Drawn clips that the measures are tested on, and what they show."""

from __future__ import annotations

import functools

import torch
from animatediff_kit.benchmarks.claims.scenes import DEVELOPMENT, STRAIGHT, Case, cases
from torch import Tensor


@functools.cache
def straight(style: str = "base", count: int = 12) -> tuple[Case, ...]:
    """Things that go left, right, up or down."""
    return tuple(cases(count, DEVELOPMENT, STRAIGHT, style=style))


@functools.cache
def moving(count: int = 24, seed: int = DEVELOPMENT) -> tuple[Case, ...]:
    """Of every motion."""
    return tuple(cases(count, seed))


def flickering(clip: Tensor, amount: float = 0.15) -> Tensor:
    """Every frame brighter or darker by up to `amount`.   f h w 3"""
    generator = torch.Generator().manual_seed(0)
    factors = 1 + amount * (2 * torch.rand((len(clip), 1, 1, 1), generator=generator) - 1)
    return (clip * factors).clamp(0, 1)
