"""What is shown beside the work is shown no oftener than it may."""

from __future__ import annotations

import pytest
from animatediff_kit.motion_models.pace import Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("cost", "pause"), [(0.0, 2.0), (0.03, 2.0), (0.05, 2.5), (1.0, 50.0)])
def test_it_is_due_after_fifty_times_its_cost_and_two_seconds_at_least(
    cost: float, pause: float
) -> None:
    clock = Clock()
    pace = Pace(2.0, 50.0, clock)
    assert pace.due(), "at once for the first time"
    with pace.taken():
        clock.now += cost
    clock.now += pause - 0.001
    assert not pace.due()
    clock.now += 0.002
    assert pace.due()
