"""What is called after every step: in order, and no oftener than it may."""

from __future__ import annotations

import pytest
from animatediff_kit.training.engine.loop import Report
from animatediff_kit.training.run.watchers import InTurn, Pace

REPORT = Report(1, 0.5, 1.0, 1e-4, 0)


def test_watchers_are_called_in_turn_until_one_ends_the_run() -> None:
    called: list[tuple[str, Report]] = []

    def stop(report: Report) -> None:
        raise KeyboardInterrupt

    watch = InTurn(
        lambda report: called.append(("first", report)),
        lambda report: called.append(("second", report)),
        stop,
        lambda report: called.append(("never", report)),
    )
    with pytest.raises(KeyboardInterrupt):
        watch(REPORT)
    assert called == [("first", REPORT), ("second", REPORT)]


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
