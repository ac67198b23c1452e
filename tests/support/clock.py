"""Seconds of the processor, and how slow it is: bounds in milliseconds hold on any machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

USUAL = 0.01
"""Seconds that `some_work` takes a processor of today, which bounds are told for."""


def some_work() -> None:
    """In plain Python, as what is bounded."""
    sum(len(str(number)) for number in range(80_000))


def seconds(work: Callable[[], Any], enough: float = 0.0, tries: int = 10) -> float:
    """Of the processor, which other processes lengthen little; the least of some tries, or the
    first below `enough`."""
    spent: list[float] = []
    while len(spent) < tries and min(spent, default=1e9) >= enough:
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def slowness() -> float:
    """How many times as long as usual this processor takes, at least 1."""
    return max(1.0, seconds(some_work, tries=3) / USUAL)
