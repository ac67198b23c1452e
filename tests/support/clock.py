"""Seconds of the processor, for bounds on how much a text may cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def seconds(work: Callable[[], Any], enough: float = 0.0) -> float:
    """Of the processor, which other processes do not lengthen; the least of three, or the first
    below `enough`."""
    spent: list[float] = []
    while len(spent) < 3 and min(spent, default=1.0) >= enough:
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)
