"""Which numbers lie within bounds, and how the bounds are said."""

from __future__ import annotations

import math

import pytest
from animatediff_kit.training.engine.bounds import ABOVE_0, NOT_NEGATIVE, POSITIVE, Bounds

CASES: list[tuple[Bounds, str, list[float], list[float]]] = [
    (POSITIVE, "at least 1", [1, 2, 1e9], [0, 0.999, -1]),
    (NOT_NEGATIVE, "at least 0", [0, 0.0, 5], [-1, -1e-9]),
    (ABOVE_0, "above 0", [1e-9, 7], [0, -1]),
    (Bounds(0, 1), "from 0 to 1", [0, 0.5, 1], [-0.1, 1.1]),
    (Bounds(0, 1, open_most=True), "from 0 to below 1", [0, 0.9999], [1, -1]),
    (Bounds(0, 1, open_least=True), "above 0 and at most 1", [0.1, 1], [0, 2]),
    (Bounds(0, 1, True, True), "above 0 and below 1", [0.1, 0.9], [0, 1]),
    (Bounds(0, 2**64 - 1), "from 0 to 2^64 - 1", [0, 2**64 - 1], [-1, 2**64]),
]


@pytest.mark.parametrize(("bounds", "text", "within", "outside"), CASES)
def test_bounds(bounds: Bounds, text: str, within: list[float], outside: list[float]) -> None:
    assert str(bounds) == text
    assert all(number in bounds for number in within)
    assert not any(number in bounds for number in [*outside, math.nan])
