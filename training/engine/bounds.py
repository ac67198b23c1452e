"""The numbers that a setting may have, and how that is said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """open_least, open_most: whether the bound itself is left out."""

    least: float
    most: float | None = None
    open_least: bool = False
    open_most: bool = False

    def __contains__(self, number: float) -> bool:
        """Never NaN."""
        if not (number > self.least if self.open_least else number >= self.least):
            return False
        return self.most is None or (number < self.most if self.open_most else number <= self.most)

    def __str__(self) -> str:
        least, most = number_text(self.least), number_text(self.most)
        if self.most is None:
            return f"above {least}" if self.open_least else f"at least {least}"
        if self.open_least:
            return f"above {least} and {'below' if self.open_most else 'at most'} {most}"
        return f"from {least} to {'below ' if self.open_most else ''}{most}"


def number_text(number: float | None) -> str:
    return "2^64 - 1" if number == 2**64 - 1 else f"{number}"


POSITIVE = Bounds(1)
NOT_NEGATIVE = Bounds(0)
ABOVE_0 = Bounds(0, open_least=True)
