"""Which settings hold at a step: AnimateDiff-Evolved's rule, by hand."""

from __future__ import annotations

import pytest
from animatediff_kit.sampling.phases import active

SIGMAS = [14.0, 8.0, 5.0, 3.0, 1.0, 0.5]
ALWAYS = 1e9
"""Where a part of sampling of 0 begins."""

HOLD = {
    # (starts, least) -> which holds at each of the steps
    "one": ((ALWAYS,), (1,), [0, 0, 0, 0, 0, 0]),
    "two": ((ALWAYS, 4.0), (1, 1), [0, 0, 0, 1, 1, 1]),
    "begins at a noise level": ((ALWAYS, 5.0), (1, 1), [0, 0, 1, 1, 1, 1]),
    "the last of those that always hold": ((ALWAYS, ALWAYS), (1, 1), [1, 1, 1, 1, 1, 1]),
    "each of three has its step": ((ALWAYS, 9.0, 8.5), (1, 1, 1), [0, 1, 2, 2, 2, 2]),
    "the second holds three": ((ALWAYS, 9.0, 8.5), (1, 3, 1), [0, 1, 1, 1, 2, 2]),
    "the second need not hold": ((ALWAYS, 9.0, 8.5), (1, 0, 1), [0, 2, 2, 2, 2, 2]),
    "the first begins late, and holds": ((4.0, 3.0), (4, 1), [0, 0, 0, 0, 1, 1]),
}


@pytest.mark.parametrize("case", HOLD)
def test_which_holds_at_each_step(case: str) -> None:
    starts, least, expected = HOLD[case]
    assert [active(starts, least, SIGMAS[: step + 1]) for step in range(6)] == expected
