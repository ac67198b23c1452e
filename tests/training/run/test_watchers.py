"""What is called after every step, in order."""

from __future__ import annotations

import pytest
from animatediff_kit.training.engine.loop import Report
from animatediff_kit.training.run.watchers import InTurn

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
