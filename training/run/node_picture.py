"""What a training node shows while it works: the progress bar, the loss plot, the last preview."""

from __future__ import annotations

from typing import Any

import comfy.utils
from PIL import Image

from ...motion_models.pace import Pace
from ..engine.loop import Report, Run
from .look_plot import draw_looks
from .lookout import Lookout
from .loss_plot import draw_losses
from .pictures import below

PLOT_SECONDS, PLOT_TIMES = 2.0, 50.0
"""The live plot is drawn at most this often, and at most for a fiftieth of a run's time."""


class NodePicture:
    """Moves ComfyUI's progress bar after every step, and now and then sends a picture with it.

    Previews move: every picture that is sent shows the next frame of the last ones.
    """

    def __init__(self, run: Run, name: str, lookout: Lookout) -> None:
        self.run, self.name, self.lookout = run, name, lookout
        self.bar = comfy.utils.ProgressBar(run.settings.steps)
        self.pace = Pace(PLOT_SECONDS, PLOT_TIMES)
        self.sent = 0

    def __call__(self, report: Report) -> None:
        steps = self.run.settings.steps
        if not self.pace.due() and report.step < steps:
            self.bar.update_absolute(report.step, steps)
            return
        with self.pace.taken():
            self.bar.update_absolute(report.step, steps, self.picture(report))

    def picture(self, report: Report) -> tuple[str, Any, int]:
        """As ComfyUI's progress bar takes it: its format, the picture, its longest side."""
        plot = self.plot(report)
        previews = self.lookout.pictures() if self.lookout.previews else []
        frame = previews[self.sent % len(previews)] if previews else None
        self.sent += 1
        return ("JPEG", below(plot, frame), max(plot.size))

    def plot(self, report: Report) -> Image.Image:
        """The losses so far, under the run's name and place, and the looks at it below."""
        steps = self.run.settings.steps
        skipped = f", {report.skipped} skipped" if report.skipped else ""
        title = f"{self.name}: step {report.step} of {steps}, loss {report.loss:.4f}{skipped}"
        plot = draw_losses(self.run.losses, steps, title)
        return below(plot, draw_looks(self.lookout.looks, steps))
