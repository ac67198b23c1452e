"""Numbers of an axis: round, within it, about as many as asked for, no two of one text."""

from __future__ import annotations

import math

import pytest
from animatediff_kit.training.run.ticks import tick_texts, ticks


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 100, "0 20 40 60 80 100"),
        (0, 2, "0.0 0.5 1.0 1.5 2.0"),
        (0.0, 0.53, "0.0 0.1 0.2 0.3 0.4 0.5"),
        (0.081, 0.0842, "0.081 0.082 0.083 0.084"),
        (-0.3, 0.3, "-0.3 -0.2 -0.1 0.0 0.1 0.2 0.3"),
        (0, 2000, "0 500 1000 1500 2000"),
        (0, 100_000, "0 20k 40k 60k 80k 100k"),
        (0, 12_500, "0 5k 10k"),
        (0, 2e-6, "0 5e-07 1e-06 1.5e-06 2e-06"),
    ],
)
def test_numbers_are_round_and_have_the_same_decimals(low: float, high: float, texts: str) -> None:
    assert " ".join(tick_texts(ticks(low, high, 6))) == texts


@pytest.mark.parametrize("low", [0.0, 0.37, -2.0])
@pytest.mark.parametrize("size", [1e-7, 0.013, 0.9, 37.0, 123_456.0, 1e9])
def test_they_lie_within_the_axis_and_are_enough(low: float, size: float) -> None:
    start = low * size
    numbers = ticks(start, start + size, 6)
    assert 2 <= len(numbers) <= 7
    assert all(start - 1e-9 * size <= n <= start + size * (1 + 1e-9) for n in numbers)
    steps = {round((b - a) / size, 6) for a, b in zip(numbers, numbers[1:], strict=False)}
    assert len(steps) == 1
    apart = numbers[1] - numbers[0]
    assert round(apart / 10 ** math.floor(math.log10(apart) + 1e-9), 6) in (1, 2, 5)
    assert len(set(tick_texts(numbers))) == len(numbers)
