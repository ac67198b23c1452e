"""What is called after every step of a run: small parts, put together. Each may raise to end the
run."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ...motion_models.latent_colours import coloured
from ..engine.clip_loss import ClipLoss
from ..engine.loop import Report, Run
from ..engine.previews import sample_clip

Watcher = Callable[[Report], None]

PREVIEW_SIDE = 256
"""Pixels of the longer side of a preview."""


class InTurn:
    """Calls each of them, in this order. No closure: the frames of a traceback would hold on to it,
    and thus to the run, where their local variables can be cleared."""

    def __init__(self, *watchers: Watcher) -> None:
        self.watchers = watchers

    def __call__(self, report: Report) -> None:
        for watcher in self.watchers:
            watcher(report)


def no_watcher(report: Report) -> None:
    """Does nothing. A run that is over is given it: its watchers hold the run, which holds them,
    and such a circle keeps its memory until Python's next collection."""


def preview_is_due(run: Run, report: Report) -> bool:
    """In the first process, every `preview_every` steps."""
    every = run.settings.preview_every
    return bool(every) and report.step % every == 0 and run.processes.rank == 0


def draw_preview(run: Run[ClipLoss]) -> Tensor:
    """What the weights draw so far.   -> f h w 3 in 0..1"""
    loss = run.loss
    latents = sample_clip(loss.trainee, loss.clips, loss.inputs, run.dtype, run.settings.seed)
    return coloured(latents, loss.inputs.base.latent_format, PREVIEW_SIDE)
