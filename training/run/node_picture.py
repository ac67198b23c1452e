"""What a training node shows while it works: the progress bar, the loss plot, the last preview."""

from __future__ import annotations

from typing import Any

import comfy.utils
from PIL import Image
from torch import Tensor

from ...motion_models.pace import Pace
from ..engine.loop import Report, Run
from .loss_plot import draw_losses
from .pictures import as_picture, beside
from .run_log import RunLog
from .watchers import draw_preview, preview_is_due

PLOT_SECONDS, PLOT_TIMES = 2.0, 50.0
"""The live plot is drawn at most this often, and at most for a fiftieth of a run's time."""


class NodePicture:
    """Moves ComfyUI's progress bar after every step, and now and then sends a picture with it.

    Previews move: every picture that is sent shows the next frame of the last one. They are kept in
    the run's folder.
    """

    def __init__(self, run: Run, name: str, log: RunLog) -> None:
        self.run, self.name, self.log = run, name, log
        self.bar = comfy.utils.ProgressBar(run.settings.steps)
        self.pace = Pace(PLOT_SECONDS, PLOT_TIMES)
        self.preview: Tensor | None = None
        self.sent = 0

    def __call__(self, report: Report) -> None:
        if preview_is_due(self.run, report):
            self.preview = draw_preview(self.run)
            self.log.preview(report.step, [as_picture(frame) for frame in self.preview])
        steps = self.run.settings.steps
        if not self.pace.due() and report.step < steps:
            self.bar.update_absolute(report.step, steps)
            return
        with self.pace.taken():
            self.bar.update_absolute(report.step, steps, self.picture(report))

    def picture(self, report: Report) -> tuple[str, Any, int]:
        """As ComfyUI's progress bar takes it: its format, the picture, its longest side."""
        plot = self.plot(report)
        frame = None if self.preview is None else self.preview[self.sent % len(self.preview)]
        self.sent += 1
        return ("JPEG", beside(plot, frame), max(plot.size))

    def plot(self, report: Report) -> Image.Image:
        """The losses so far, under the run's name and place."""
        steps = self.run.settings.steps
        skipped = f", {report.skipped} skipped" if report.skipped else ""
        title = f"{self.name}: step {report.step} of {steps}, loss {report.loss:.4f}{skipped}"
        return draw_losses(self.run.losses, steps, title)
