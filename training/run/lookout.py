"""A look at a run now and then: previews of the weights that would be exported, how they move, and
the loss on clips that are held out; and the end of a run by its stop rules."""

from __future__ import annotations

import logging
import math
import statistics
from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor

from ..engine import stop_rules
from ..engine.clip_loss import ClipLoss
from ..engine.exported import exported_weights
from ..engine.held_out_loss import held_out_loss
from ..engine.looks import Look, PreviewFigures
from ..engine.loop import Report, Run
from ..engine.previews import sample
from .eyes import PREVIEW_SIDE, Eyes, wanted_previews
from .look_files import read_looks, side_by_side, small_picture, write_looks, write_strip
from .pictures import as_image
from .preview_measures import Reference, can_measure, reference_of, text_of
from .run_log import HELD_OUT, MEANS, StoppedToKeep, preview_name, save_preview

log = logging.getLogger(__name__)


class Lookout:
    """A watcher that looks every `preview_every` steps, in the first process.

    looks: those so far, those before a resume too;   previews: of the last look, each f pictures;
    note: is given a look's columns of log.csv
    Raises ValueError where rules or a calibration need measures and OpenCV is not installed.
    """

    def __init__(
        self,
        run: Run[ClipLoss],
        eyes: Eyes | None = None,
        note: Callable[[int, dict[str, str]], None] = lambda step, figures: None,
    ) -> None:
        self.run, self.note = run, note
        self.wanted = wanted_previews(run.loss, eyes or Eyes())
        self.eyes = Eyes(eyes.vae) if eyes else Eyes()
        self.looks = read_looks(run.folder, run.step)
        self.previews: list[list[Image.Image]] = []
        self.shown = -1
        self.reference: Reference | None = None
        if self.eyes.vae is not None and not run.loss.trainee.single_frames:
            self.reference = self.measured_clips()
        self.eyes.rest()

    def measured_clips(self) -> Reference | None:
        settings = self.run.settings
        if can_measure():
            return reference_of(self.run.loss, self.eyes)
        what = "Previews are not measured: OpenCV is not installed. Install the extras for training"
        where = "into ComfyUI's Python: `pip install -r requirements-training.txt`."
        if stop_rules.parse(settings.stop_rules).previews or settings.calibrate != "off":
            raise ValueError(f"{what} {where}")
        log.warning("AnimateDiff Kit: %s %s", what, where)
        return None

    def is_due(self, report: Report) -> bool:
        every = self.run.settings.preview_every
        return bool(every) and report.step % every == 0

    def __call__(self, report: Report) -> None:
        if not self.is_due(report):
            return
        with exported_weights(self.run):
            held_out = held_out_loss(self.run.loss)
            figures = self.draw(report.step)
        look = Look(report.step, held_out, figures)
        self.looks = [old for old in self.looks if old.step < report.step] + [look]
        self.note(look.step, log_columns(look))
        self.write(report.step)

    def draw(self, step: int) -> tuple[PreviewFigures, ...]:
        """The weights that stand in the network draw all previews. -> how they move, where that is
        measured; what is kept of them is small"""
        self.previews, figures = [], list[PreviewFigures]()
        for number, wanted in enumerate(self.wanted):
            frames = self.drawn(number)
            if self.reference is not None:
                figures.append(self.reference.beside(frames, wanted))
            self.previews.append([small_picture(frame, PREVIEW_SIDE) for frame in frames])
        self.eyes.rest()
        self.shown = step
        return tuple(figures)

    def drawn(self, number: int) -> Tensor:
        """One preview.   -> f h w 3 in 0..1"""
        loss, one = self.run.loss, self.wanted[number]
        texts = [one.text, loss.clips.text("")]
        shape = loss.clips.shape(0)
        picture = loss.clips.frame(one.clip, 0)[0] if loss.likeness is not None else None
        if picture is not None and tuple(picture.shape) != tuple(shape[1:]):
            picture = loss.clips.frame(0, 0)[0]  # a clip of another size
        latents = sample(loss.trainee, texts, shape, loss.inputs, self.run.dtype, one.seed, picture)
        return self.eyes.pixels(latents, loss.inputs.base.latent_format)

    def write(self, step: int) -> None:
        """What cannot be written is told; it is no reason to end a run."""
        folder = self.run.folder
        try:
            save_preview(folder, step, self.pictures())
            if self.reference is not None:
                write_looks(folder, self.looks)
            write_strip(folder)
        except OSError as error:
            log.warning(
                "%s could not be written into %s (%s). The run goes on without it; make room "
                "there.",
                preview_name(step),
                folder,
                error.strerror or error,
            )

    def pictures(self) -> list[Image.Image]:
        """All previews of the last look beside each other, frame by frame."""
        return side_by_side(self.previews)

    def at_the_end(self) -> Tensor:
        """Previews of the finished weights.   -> f h w 3, all of them beside each other"""
        if self.shown != self.run.step:
            with exported_weights(self.run):
                self.draw(self.run.step)
        return torch.cat([as_image(picture) for picture in self.pictures()])


def log_columns(look: Look) -> dict[str, str]:
    """A look's columns of log.csv: the loss on clips held out, and the previews' means."""
    columns = {"held_out": text_of(look.held_out_loss())}
    columns.update(zip(HELD_OUT, map(text_of, look.held_out), strict=False))
    for name in MEANS:
        known = [v for seen in look.previews if math.isfinite(v := getattr(seen, name))]
        columns[name] = text_of(statistics.fmean(known) if known else math.nan)
    return columns


class RuleStop:
    """A watcher that raises StoppedToKeep at a look by which a stop rule holds. All processes agree
    in it; those without a lookout ask the first."""

    def __init__(self, run: Run[ClipLoss], lookout: Lookout | None) -> None:
        self.run, self.lookout = run, lookout
        self.rules = stop_rules.parse(run.settings.stop_rules)

    def __call__(self, report: Report) -> None:
        every = self.run.settings.preview_every
        if not self.rules.lines or report.step % every:
            return
        looks = self.lookout.looks if self.lookout else []
        rule = self.rules.met(looks) if looks else ""
        holds = torch.tensor(float(bool(rule)), device=self.run.device)
        if float(self.run.processes.mean(holds)) > 0:
            log.info("AnimateDiff Kit: the stop rule holds after step %d: %s", report.step, rule)
            raise StoppedToKeep(f"A stop rule holds after step {report.step}: {rule}", rule)
