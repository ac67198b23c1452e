"""The log of a run for TensorBoard, where it is installed."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..engine.loop import Report
from .run_log import number

log = logging.getLogger(__name__)

FOLDER = "tensorboard"
"""In the run's folder."""


NAMES = ("tensorboard", "torch.utils.tensorboard")
"""Modules that are missing where it is not installed."""


class TensorBoard:
    """A watcher that writes loss, rate and norm of every step, and what a look at the run noted.

    asked: "if installed", "on" or "off", the setting;   first: the step that the run goes on from

    What fails in it is told once, and the run goes on without it: log.csv holds the same.
    """

    def __init__(self, folder: Path, asked: str, first: int) -> None:
        self.writer: Any = None
        with self.told_of():
            self.writer = writer_for(folder / FOLDER, asked, first)

    def note(self, step: int, figures: dict[str, str]) -> None:
        """Figures of log.csv that are known."""
        known = {f"look/{name}": number(text) for name, text in figures.items() if text}
        self.add(step, known)

    def __call__(self, report: Report) -> None:
        names = ("loss", "rate", "norm")
        self.add(report.step, {f"step/{name}": getattr(report, name) for name in names})

    def add(self, step: int, scalars: dict[str, Any]) -> None:
        with self.told_of():
            for name, value in scalars.items():
                if self.writer is not None:
                    self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        with self.told_of():
            if self.writer is not None:
                self.writer.close()

    @contextmanager
    def told_of(self) -> Iterator[None]:
        """Any error is: a broken installation raises what it likes, and the writer's thread hands
        on what stopped it, such as a full disk."""
        try:
            yield
        except Exception as error:
            self.writer = None
            log.warning(
                "AnimateDiff Kit: TensorBoard failed (%s: %s), so the run goes on without it and "
                "writes log.csv alone. Make room on the disk, or install tensorboard anew.",
                type(error).__name__,
                error,
            )


def writer_for(folder: Path, asked: str, first: int) -> Any:
    """None where it is off or not installed; the latter is told where it is asked for. Raises
    whatever a broken installation does."""
    if asked == "off":
        return None
    try:
        library = importlib.import_module("torch.utils.tensorboard")
    except ModuleNotFoundError as error:
        if error.name not in NAMES:
            raise
        if asked == "on":
            log.warning(
                "AnimateDiff Kit: TensorBoard is not installed, so the run writes log.csv alone. "
                "Install it into ComfyUI's Python with `pip install tensorboard`."
            )
        return None
    return library.SummaryWriter(str(folder), purge_step=first + 1)
