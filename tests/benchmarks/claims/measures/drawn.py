"""Drawn clips that the measures are tested on, and what they show."""

from __future__ import annotations

import functools

from animatediff_kit.benchmarks.claims.scenes import DEVELOPMENT, STRAIGHT, Case, cases


@functools.cache
def straight(style: str = "base", count: int = 12) -> tuple[Case, ...]:
    """Things that go left, right, up or down."""
    return tuple(cases(count, DEVELOPMENT, STRAIGHT, style=style))


@functools.cache
def moving(count: int = 24, seed: int = DEVELOPMENT) -> tuple[Case, ...]:
    """Of every motion."""
    return tuple(cases(count, seed))
