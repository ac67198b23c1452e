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


@pytest.mark.parametrize("case", HOLD)
def test_from_the_picture_to_the_noise_the_level_alone_tells(case: str) -> None:
    """Unsampling turns the noise levels round; no setting holds for the steps before it."""
    starts, least, _ = HOLD[case]
    rising = SIGMAS[::-1]
    found = [active(starts, least, rising[: step + 1]) for step in range(1, 6)]
    assert found == [active(starts, least, [sigma]) for sigma in rising[1:]]
    if case == "two":
        assert found == [1, 1, 0, 0, 0]
