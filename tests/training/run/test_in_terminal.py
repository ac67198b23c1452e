"""What a run on the command line says, and when."""

from __future__ import annotations

import logging
import math
import signal
from pathlib import Path

import pytest
from adk_tests.training import small
from animatediff_kit.training.engine.loop import Report
from animatediff_kit.training.run import in_terminal
from animatediff_kit.training.run.in_terminal import (
    SignalStop,
    StepLog,
    Stopped,
    finishing,
    noted_signals,
)


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


def test_a_signal_in_the_last_step_leaves_only_the_file_to_write(
    tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    """The run is as good as done: it is neither stopped nor resumed for that."""
    run = small.run(tmp_path, steps=2)
    stop = SignalStop(run, [signal.SIGINT])
    with pytest.raises(Stopped, match="^Stopped after step 1 of 2. Its checkpoint lies in "):
        stop(Report(1, 0.1, 1.0, 1e-4, 0))
    stop(Report(2, 0.1, 1.0, 1e-4, 0))
    with finishing(tmp_path, [signal.SIGINT]):
        assert said.messages == [
            "The run has ended, and its file is being written. Another signal ends that too."
        ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_the_writing_too(
    number: int, tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with noted_signals() as came:
        with (
            pytest.raises(Stopped, match="^Stopped before the file was written. The last checkpo"),
            finishing(tmp_path, came),
        ):
            signal.raise_signal(number)
            assert len(said.messages) == 1
            signal.raise_signal(number)
        signal.raise_signal(number)
        assert came == [number] * 3
    assert handlers == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
