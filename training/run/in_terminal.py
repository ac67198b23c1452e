"""What a run on the command line tells its user, and how it is stopped."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..engine.loop import Report, Run

log = logging.getLogger("animatediff_kit.training")

LOG_SECONDS = 10.0


class Stopped(Exception):
    """The user or the machine asked the run to end."""


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """SIGINT and SIGTERM are only noted, so that no step is left half done. -> those that came"""
    came: list[int] = []
    with handled_by(lambda sent, frame: came.append(sent)):
        yield came


@contextmanager
def finishing(folder: Path, came: list[int]) -> Iterator[None]:
    """Inside, the run has ended and its file is made, which is what a signal's sender has waited
    for: the first that comes is told of, and the second raises Stopped.   came: those before"""

    def told() -> None:
        log.warning(
            "The run has ended, and its file is being written. Another signal ends that too."
        )

    def note(sent: int, frame: object) -> None:
        came.append(sent)
        if len(came) > 1:
            raise Stopped(
                f"Stopped before the file was written. The last checkpoint lies in {folder}; "
                "--resume goes on from it, and writes the file where no step is left."
            )
        told()

    with handled_by(note):
        if came:
            told()
        yield


@contextmanager
def handled_by(handler: Callable[[int, Any], object]) -> Iterator[None]:
    """SIGINT and SIGTERM."""
    before: dict[int, Any] = {
        number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def log_of_one_process() -> Iterator[None]:
    """What the pack has to say goes to stderr, from one process of each machine."""
    pack = logging.getLogger("animatediff_kit")
    handler = logging.StreamHandler()
    level, propagate = pack.level, pack.propagate
    pack.propagate = False  # ComfyUI has put a handler of its own on the root
    if os.environ.get("LOCAL_RANK", "0") == "0":
        pack.addHandler(handler)
        pack.setLevel(logging.INFO)
    try:
        yield
    finally:
        pack.removeHandler(handler)
        pack.setLevel(level)
        pack.propagate = propagate


class StepLog:
    """Tells how it goes: the first and the last step, and one every LOG_SECONDS."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.told_at = time.monotonic()

    def __call__(self, report: Report) -> None:
        now = time.monotonic()
        if now - self.told_at < LOG_SECONDS and 1 < report.step < self.steps:
            return
        self.told_at = now
        skipped = f", {report.skipped} skipped" if report.skipped else ""
        log.info(
            "step %d of %d, loss %.4f, norm %.3f, rate %.2e%s",
            report.step,
            self.steps,
            report.loss,
            report.norm,
            report.rate,
            skipped,
        )


class SignalStop:
    """Raises Stopped after a signal, but for the last step, after which nothing is left but the
    file. All processes agree to stop after the same step."""

    def __init__(self, run: Run, signals: list[int]) -> None:
        self.run, self.signals = run, signals

    def __call__(self, report: Report) -> None:
        run = self.run
        if report.step == run.settings.steps:
            return
        if run.processes.any_of(bool(self.signals)):
            raise Stopped(
                f"Stopped after step {report.step} of {run.settings.steps}. Its checkpoint lies in "
                f"{run.folder}; go on with --resume."
            )
