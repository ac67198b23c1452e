"""What a run leaves in its folder: a row for each step, also after a resume; how it stands; a stop
that keeps."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adk_tests.training import small
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.loop import Report
from animatediff_kit.training.run.loss_plot import last_smoothed, smoothed
from animatediff_kit.training.run.run_log import (
    ABOUT,
    COLUMNS,
    LOG,
    STOP,
    RunLog,
    StoppedToKeep,
    StopToKeep,
    number,
    read_rows,
)
from animatediff_kit.training.run.watchers import InTurn


class Clock:
    """A second passes whenever it is read."""

    now = 50.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def trained(folder: Path, steps: int, resume: bool = False, ends: int = 6, more: Any = None) -> Any:
    """A logged run of `ends` steps that its user cancels after `steps`."""
    run = small.run(folder, steps=ends)
    if resume:
        run.resume(found(folder)[-1])

    def cancel(report: Report) -> None:
        if report.step == steps < ends:
            raise KeyboardInterrupt

    run.watch = InTurn(RunLog(run, "pan", Clock()), *([more] if more else []), cancel)
    try:
        run.train()
    except KeyboardInterrupt:
        pass
    return run


def column(folder: Path, name: str) -> list[float]:
    return [number(row[name]) for row in read_rows(folder)]


def test_every_step_has_a_row(tmp_path: Path) -> None:
    run = trained(tmp_path, 6)
    assert (tmp_path / LOG).read_text().splitlines()[0] == ",".join(COLUMNS)
    assert column(tmp_path, "step") == [1, 2, 3, 4, 5, 6]
    assert column(tmp_path, "loss") == pytest.approx(run.losses, rel=1e-5)
    assert column(tmp_path, "smoothed") == pytest.approx(smoothed(run.losses), rel=1e-5)
    assert column(tmp_path, "seconds") == [1, 2, 3, 4, 5, 6]
    assert column(tmp_path, "rate") == [1e-3] * 6


def test_a_resumed_run_goes_on_in_its_log(tmp_path: Path) -> None:
    """Steps that were taken after the last checkpoint are taken again: their rows go."""
    trained(tmp_path, 4)
    with (tmp_path / LOG).open("a") as file:
        file.write("5,9.0,9.0,0.001,99.0\n6,9.")  # a killed run wrote so far
    assert column(tmp_path, "step") == [1, 2, 3, 4, 5]
    again = trained(tmp_path, 6, resume=True)
    assert column(tmp_path, "step") == [1, 2, 3, 4, 5, 6]
    assert column(tmp_path, "loss") == pytest.approx(again.losses, rel=1e-5)
    assert column(tmp_path, "seconds") == [1, 2, 3, 4, 5, 6]


def test_a_run_without_a_log_gets_its_losses_from_the_checkpoint(tmp_path: Path) -> None:
    before = trained(tmp_path, 3)
    (tmp_path / LOG).unlink()
    trained(tmp_path, 4, resume=True)
    assert column(tmp_path, "loss")[:3] == pytest.approx(before.losses, rel=1e-5)
    assert [math.isnan(seconds) for seconds in column(tmp_path, "seconds")] == [True] * 3 + [False]


def test_the_running_mean_is_that_of_the_plot() -> None:
    losses = np.random.default_rng(0).normal(size=700).tolist()
    losses[3] = losses[690] = math.nan
    for n in (1, 4, 50, 51, 700):
        assert last_smoothed(losses[:n]) == pytest.approx(smoothed(losses[:n])[-1], nan_ok=True)
    assert math.isnan(last_smoothed([math.nan]))


def test_how_it_stands(tmp_path: Path) -> None:
    def state() -> Any:
        return json.loads((tmp_path / ABOUT).read_text())["state"]

    run = small.run(tmp_path, steps=6)
    log = RunLog(run, "pan", Clock())
    log.broken_off()
    assert not (tmp_path / ABOUT).exists(), "it took no step"
    log(Report(1, 0.5, 1.0, 1e-3, 0))
    assert state() == "running"
    log.broken_off()
    assert state() == "stopped"
    log.tell("finished", "pan.safetensors")
    told = json.loads((tmp_path / ABOUT).read_text())
    assert (told["file"], told["steps"], told["stage"]) == ("pan.safetensors", 6, "motion_lora")


def test_a_stop_that_keeps_ends_the_run_after_its_step(tmp_path: Path) -> None:
    tmp_path.joinpath(STOP).touch()  # of a run before, which it must not end

    def ask(report: Report) -> None:
        if report.step == 3:
            (tmp_path / STOP).touch()

    with pytest.raises(StoppedToKeep):
        trained(tmp_path, 6, more=InTurn(ask, StopToKeep(tmp_path)))
    assert column(tmp_path, "step") == [1, 2, 3]
    assert not (tmp_path / STOP).exists()
    assert [path.name for path in found(tmp_path)] == ["checkpoint-00000003.safetensors"]


def test_a_log_that_cannot_be_written_ends_no_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / LOG).mkdir()
    caplog.set_level(logging.WARNING)
    assert trained(tmp_path, 6).step == 6
    told = f"The log of the run {tmp_path.name} cannot be written (Is a directory). Training goes"
    assert caplog.text.count(told) == 1
