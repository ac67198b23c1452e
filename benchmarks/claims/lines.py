"""What a figure has to reach. A line says itself what it asks: `at_least(0.9)` is "at least 90%"
beside a share, and holds from 0.9 on. A figure that is no number reaches none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .estimates import Estimate


@dataclass(frozen=True)
class Line:
    """words: with a place for each of the bounds"""

    words: str
    bounds: tuple[float, ...]
    holds: Callable[[Estimate], bool]

    def told(self, unit: str) -> str:
        percent = unit == "%"
        return self.words.format(*(f"{b:.0%}" if percent and b else f"{b:g}" for b in self.bounds))


def at_least(bound: float) -> Line:
    return Line("at least {}", (bound,), lambda found: found.value >= bound)


def at_most(bound: float) -> Line:
    return Line("at most {}", (bound,), lambda found: found.value <= bound)


def above(bound: float) -> Line:
    return Line("above {}", (bound,), lambda found: found.value > bound)


def below(bound: float) -> Line:
    return Line("below {}", (bound,), lambda found: found.value < bound)


def between(least: float, most: float) -> Line:
    return Line("{} to {}", (least, most), lambda found: least <= found.value <= most)


def interval_above(bound: float) -> Line:
    return Line("interval above {}", (bound,), lambda found: found.low > bound)


def interval_below(bound: float) -> Line:
    return Line("interval below {}", (bound,), lambda found: found.high < bound)
