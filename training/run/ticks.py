"""Where the axis of a plot has numbers, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Sequence


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers from `low` to `high`, some `about` of them: multiples of 1, 2 or 5 times a
    power of ten."""
    least = (high - low) / about
    power = 10.0 ** math.floor(math.log10(least))
    apart = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)
    first, last = math.ceil(low / apart - 1e-9), math.floor(high / apart + 1e-9)
    return [number * apart for number in range(first, last + 1)]


UNITS = {"G": 1e9, "M": 1e6, "k": 1e3}


def tick_texts(numbers: Sequence[float]) -> list[str]:
    """All with the same decimals; 20000 as 20k."""
    largest = max(map(abs, numbers))
    for letter, unit in UNITS.items():
        if largest >= 10 * unit:
            return [f"{number / unit:g}{letter}" if number else "0" for number in numbers]
    if 0 < largest < 1e-3:
        return [f"{number:.4g}" for number in numbers]
    apart = min((b - a for a, b in zip(numbers, numbers[1:], strict=False)), default=1.0)
    decimals = max(0, -math.floor(math.log10(apart) + 1e-9))
    return [f"{number:.{decimals}f}" for number in numbers]
