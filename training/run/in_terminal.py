"""What a run on the command line tells its user, and how it is stopped."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ..engine.clip_loss import ClipLoss
from ..engine.loop import Report, Run
from ..engine.previews import coloured, sample_clip

log = logging.getLogger("animatediff_kit.training")

LOG_SECONDS = 10.0


class Stopped(Exception):
    """The user or the machine asked the run to end."""


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """SIGINT and SIGTERM are only noted, so that no step is left half done. -> those that came"""
    came: list[int] = []
    before: dict[int, Any] = {
        number: signal.signal(number, lambda sent, frame: came.append(sent))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def told_by_one_process() -> Iterator[None]:
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


class Watch:
    """Called after every step: tells how it goes, draws previews, and ends the run after a signal.

    All processes agree to stop after the same step.
    """

    def __init__(self, run: Run[ClipLoss], signals: list[int]) -> None:
        self.run, self.folder, self.signals = run, run.folder, signals
        self.told = time.monotonic()

    def __call__(self, report: Report) -> None:
        run = self.run
        every = run.settings.preview_every
        if every and report.step % every == 0 and run.processes.rank == 0:
            self.preview(report)
        self.tell(report)
        asked = torch.tensor(float(bool(self.signals)), device=run.device)
        if float(run.processes.mean(asked)) > 0:
            raise Stopped(
                f"Stopped after step {report.step} of {run.settings.steps}. Its checkpoint lies in "
                f"{self.folder}; go on with --resume."
            )

    def tell(self, report: Report) -> None:
        now = time.monotonic()
        last = report.step == self.run.settings.steps
        if now - self.told < LOG_SECONDS and not last and report.step != 1:
            return
        self.told = now
        skipped = f", {report.skipped} skipped" if report.skipped else ""
        log.info(
            "step %d of %d, loss %.4f, norm %.3f, rate %.2e%s",
            report.step,
            self.run.settings.steps,
            report.loss,
            report.norm,
            report.rate,
            skipped,
        )

    def preview(self, report: Report) -> None:
        """An animation of what the weights draw, `preview-<step>.webp` in the run's folder."""
        run = self.run
        latents = sample_clip(
            run.loss.trainee, run.loss.clips, run.loss.inputs, run.dtype, run.settings.seed
        )
        pictures = importlib.import_module("PIL.Image")
        first, *rest = (
            pictures.fromarray((frame.numpy() * 255).round().astype("uint8"))
            for frame in coloured(latents, run.loss.inputs)
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"preview-{report.step:08d}.webp"
        first.save(path, save_all=True, append_images=rest, duration=125, loop=0, quality=85)
