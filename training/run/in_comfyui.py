"""A training run inside ComfyUI: memory, progress in the node, cancelling, and the file at the
end."""

from __future__ import annotations

import gc
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management as memory
import comfy.utils
import folder_paths
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...measures.pictures import check_matplotlib
from ..engine.batches import Clips
from ..engine.checkpoints import found
from ..engine.clip_loss import ClipLoss
from ..engine.config import TrainingSettings
from ..engine.export import FOLDERS, check_name, export
from ..engine.loop import Report, Run
from ..engine.previews import coloured, sample_clip
from ..engine.processes import precision_on
from ..models.conditioning import ModelInputs
from ..models.stages import Trainee, Where
from .plots import as_image, beside, draw_losses

log = logging.getLogger(__name__)

RUNS = "animatediff_kit_training"
"""Folder below ComfyUI's output folder; every run has one of its own in it."""

PLOT_SECONDS = 2.0
"""The live plot is drawn at most this often, so that it costs a run next to nothing."""


@dataclass(frozen=True)
class Result:
    """What a finished run leaves: the file, the loss plot (1 h w 3), the last preview (f h w 3)."""

    path: Path
    plot: Tensor
    preview: Tensor


def run_folder(name: str, resume: str) -> Path:
    """A new folder for a run called `name`, or that of the run to resume.

    Raises ValueError for a run that is not there, naming those that are.
    """
    root = Path(folder_paths.get_output_directory()) / RUNS
    if resume:
        folder = root / resume
        if folder.parent != root or not found(folder):
            there = sorted(p.name for p in root.iterdir() if found(p)) if root.is_dir() else []
            raise ValueError(
                f"There is no run {resume!r} with a checkpoint in {root}. "
                + (f"The runs there are {', '.join(there)}." if there else "There are none yet.")
            )
        return folder
    number = 1
    while (root / f"{name}_{number:03d}").exists():
        number += 1
    return root / f"{name}_{number:03d}"


class Watch:
    """Called after every step: cancels, draws the loss and the preview into the node.

    Previews move: every picture that is sent shows the next frame of the last one.
    """

    def __init__(self, trainee: Trainee, clips: Clips, inputs: ModelInputs, name: str) -> None:
        self.trainee, self.clips, self.inputs, self.name = trainee, clips, inputs, name
        self.run: Run | None = None
        self.preview: Tensor | None = None
        self.sent = 0
        self.drawn = -math.inf
        self.progress: Any = None

    def __call__(self, report: Report) -> None:
        run = self.run
        assert run is not None
        every = run.settings.preview_every
        if every and report.step % every == 0:
            self.preview = self.draw_preview(run)
        if self.progress is None:
            self.progress = comfy.utils.ProgressBar(run.settings.steps)
        self.progress.update_absolute(report.step, run.settings.steps, self.picture(run, report))
        memory.throw_exception_if_processing_interrupted()

    def picture(self, run: Run, report: Report) -> tuple[str, Any, int] | None:
        """A preview as ComfyUI's progress bar takes it, or None where the last is still fresh."""
        if time.monotonic() - self.drawn < PLOT_SECONDS and report.step < run.settings.steps:
            return None
        plot = draw_losses(run.losses, run.settings.steps, self.title(run, report))
        frame = None if self.preview is None else self.preview[self.sent % len(self.preview)]
        self.sent += 1
        self.drawn = time.monotonic()
        return ("JPEG", beside(plot, frame), max(plot.size))

    def title(self, run: Run, report: Report) -> str:
        skipped = f", {report.skipped} skipped" if report.skipped else ""
        done = f"step {report.step} of {run.settings.steps}"
        return f"{self.name}: {done}, loss {report.loss:.4f}{skipped}"

    def draw_preview(self, run: Run) -> Tensor:
        """-> f h w 3"""
        latents = sample_clip(self.trainee, self.clips, self.inputs, run.dtype, run.settings.seed)
        return coloured(latents, self.inputs)


@contextmanager
def room_for_training() -> Iterator[None]:
    """ComfyUI's models out of the way before, and everything of the run after; gradients allowed
    inside."""
    memory.unload_all_models()
    memory.soft_empty_cache()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        gc.collect()
        memory.soft_empty_cache()


def train(
    make_trainee: Callable[[Where], Trainee],
    model: ModelPatcher,
    clips: Clips,
    settings: TrainingSettings,
    name: str,
    resume: str,
    spelling: str = "official",
) -> Result:
    """Train a stage and write its file where ComfyUI looks for such files.

    Whatever ends it early leaves a checkpoint. Raises ValueError for settings, clips, a model or a
    run to resume that do not go together.
    """
    settings.check()
    check_name(name)
    check_matplotlib()
    folder = run_folder(name, resume)
    device = memory.get_torch_device()
    with room_for_training():
        where = Where(device, precision_on(settings.precision, device))
        trainee, inputs = make_trainee(where), ModelInputs(model)
        watch = Watch(trainee, clips, inputs, name)
        run = Run(ClipLoss(trainee, clips, inputs, settings), folder, watch)
        watch.run = run
        if resume:
            run.resume(found(folder)[-1])
        log.info("AnimateDiff Kit: training %s, its checkpoints go to %s.", name, folder)
        try:
            run.train()
        except BaseException:
            log.warning(
                "The training of %s ended after step %d of %d. To go on, set resume to %s.",
                name,
                run.step,
                settings.steps,
                folder.name,
            )
            raise
        target = Path(folder_paths.get_folder_paths(FOLDERS[trainee.stage])[0])
        path = export(run, target, name, spelling)
        log.info("AnimateDiff Kit: wrote %s.", path)
        last = Report(run.step, run.losses[-1], 0.0, 0.0, run.skipped)
        plot = draw_losses(run.losses, settings.steps, watch.title(run, last))
        return Result(path, as_image(plot), watch.draw_preview(run))
