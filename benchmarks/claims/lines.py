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


def line(words: str, holds: Callable[..., bool]) -> Callable[..., Line]:
    """Lines of one kind: a function of their bounds."""
    return lambda *bounds: Line(words, bounds, lambda found: holds(found, *bounds))


at_least = line("at least {}", lambda found, bound: found.value >= bound)
at_most = line("at most {}", lambda found, bound: found.value <= bound)
above = line("above {}", lambda found, bound: found.value > bound)
below = line("below {}", lambda found, bound: found.value < bound)
between = line("{} to {}", lambda found, least, most: least <= found.value <= most)
interval_above = line("interval above {}", lambda found, bound: found.low > bound)
interval_below = line("interval below {}", lambda found, bound: found.high < bound)
