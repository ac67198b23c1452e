"""The log of a run for TensorBoard, where it is installed."""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import Any

from ..engine.loop import Report
from .run_log import number

log = logging.getLogger(__name__)

FOLDER = "tensorboard"
"""In the run's folder."""


class TensorBoard:
    """A watcher that writes loss, rate and norm of every step, and what a look at the run noted.

    asked: "if installed", "on" or "off", the setting;   first: the step that the run goes on from
    """

    def __init__(self, folder: Path, asked: str, first: int) -> None:
        self.writer = writer_for(folder / FOLDER, asked, first)

    def note(self, step: int, figures: dict[str, str]) -> None:
        """Figures of log.csv that are known."""
        for name, text in figures.items():
            if self.writer is not None and text:
                self.writer.add_scalar(f"look/{name}", number(text), step)

    def __call__(self, report: Report) -> None:
        if self.writer is None:
            return
        for name in ("loss", "rate", "norm"):
            self.writer.add_scalar(f"step/{name}", getattr(report, name), report.step)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


def writer_for(folder: Path, asked: str, first: int) -> Any:
    """None where it is off or not installed; the latter is told where it is asked for."""
    if asked == "off":
        return None
    try:
        library = importlib.import_module("torch.utils.tensorboard")
    except ImportError:
        if asked == "on":
            log.warning(
                "AnimateDiff Kit: TensorBoard is not installed, so the run writes log.csv alone. "
                "Install it into ComfyUI's Python with `pip install tensorboard`."
            )
        return None
    return library.SummaryWriter(str(folder), purge_step=first + 1)
