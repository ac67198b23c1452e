"""A line says what it asks, and asks it."""

from __future__ import annotations

import math

import pytest
from animatediff_kit.benchmarks.claims import findings as lines
from animatediff_kit.benchmarks.claims.estimates import Estimate
from animatediff_kit.benchmarks.claims.findings import Line

FOUND = Estimate(0.5, 0.4, 0.6, 8)


@pytest.mark.parametrize(
    ("line", "unit", "words", "holds"),
    [
        (lines.at_least(0.5), "%", "at least 50%", True),
        (lines.at_least(0.51), "", "at least 0.51", False),
        (lines.at_most(0.5), "", "at most 0.5", True),
        (lines.at_most(0.49), "%", "at most 49%", False),
        (lines.above(0.5), "", "above 0.5", False),
        (lines.above(0.49), "", "above 0.49", True),
        (lines.below(0.5), "", "below 0.5", False),
        (lines.below(3.0), "", "below 3", True),
        (lines.between(0.5, 2), "", "0.5 to 2", True),
        (lines.between(0.1, 0.4), "", "0.1 to 0.4", False),
        (lines.interval_above(0), "%", "interval above 0", True),
        (lines.interval_above(0.4), "%", "interval above 40%", False),
        (lines.interval_below(0.61), "%", "interval below 61%", True),
        (lines.interval_below(0.6), "", "interval below 0.6", False),
    ],
)
def test_words_and_verdict_come_of_one_bound(
    line: Line, unit: str, words: str, holds: bool
) -> None:
    assert line.told(unit) == words
    assert line.holds(FOUND) is holds


@pytest.mark.parametrize(
    "line", [lines.at_least(0), lines.at_most(9), lines.above(0), lines.below(9)]
)
def test_what_is_no_number_reaches_no_line(line: Line) -> None:
    assert not line.holds(Estimate(math.nan, math.nan, math.nan, 8))
