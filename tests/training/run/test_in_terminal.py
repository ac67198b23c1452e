"""What a run on the command line says, and when."""

from __future__ import annotations

import logging
import math

import pytest
from animatediff_kit.training.engine.loop import Report
from animatediff_kit.training.run import in_terminal
from animatediff_kit.training.run.in_terminal import StepLog


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "animatediff_kit.training")
    return caplog


def run_log(log: StepLog, steps: range) -> None:
    for step in steps:
        log(Report(step, 0.25, 1.5, 1e-4, 0))


def test_the_first_and_the_last_step_are_told(said: pytest.LogCaptureFixture) -> None:
    run_log(StepLog(500), range(1, 501))
    assert said.messages[0] == "step 1 of 500, loss 0.2500, norm 1.500, rate 1.00e-04"
    assert said.messages[-1].startswith("step 500 of 500, ")
    assert len(said.messages) == 2


def test_others_are_told_after_a_while(
    said: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = StepLog(500)
    run_log(log, range(7, 9))
    assert not said.messages
    monkeypatch.setattr(in_terminal, "LOG_SECONDS", 0.0)
    run_log(log, range(9, 11))
    assert [line.split(",")[0] for line in said.messages] == ["step 9 of 500", "step 10 of 500"]


def test_skipped_steps_are_told(said: pytest.LogCaptureFixture) -> None:
    StepLog(1)(Report(1, math.nan, math.inf, 1e-4, 3))
    assert said.messages[0].endswith("loss nan, norm inf, rate 1.00e-04, 3 skipped")
