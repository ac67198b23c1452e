"""The training loop: one for whatever has a loss.

    for each step:
        for each of its forward passes: the loss, and its gradients          step_loss.py
        clip the gradients; AdamW; running average of the weights            optimizer.py
        now and then a checkpoint, which also an interruption leaves behind  checkpoints.py

Weights are float32, the arithmetic bf16 or fp16 by autocast where the device is good at it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from .checkpoints import (
    Checkpoint,
    begins_anew,
    load,
    optimizer_tensors,
    restore_optimizer,
    restore_weights,
    save,
)
from .identity import check_identity
from .lora_settings import names_in
from .optimizer import WeightAverage, finished_weights, set_rate
from .processes import precision_notes
from .step_loss import StepLoss

log = logging.getLogger(__name__)

Loss = TypeVar("Loss", bound=StepLoss)

SKIPS_IN_A_ROW = 50
"""Steps without a finite gradient after which a run gives up; fp16 finds its scale in fewer."""


@dataclass(frozen=True)
class Report:
    """What a finished step says: its number from 1 on, its loss (NaN where it was skipped), the
    norm of its gradients before clipping, and how many steps were skipped so far."""

    step: int
    loss: float
    norm: float
    rate: float
    skipped: int


@dataclass
class Run(Generic[Loss]):
    """One run over a loss. `folder` gets its checkpoints; `watch` is called after every step and
    may raise to end the run.

    losses: of every step so far, NaN where it was skipped;   skipped: how many were;   is_whole:
    false while weights and optimizer are on their way to the next step;   changes: what is not as
    in the checkpoint that it was resumed from, a sentence each
    """

    loss: Loss
    folder: Path
    watch: Callable[[Report], None] = lambda report: None
    step: int = 0
    skipped: int = 0
    losses: list[float] = field(default_factory=list)
    is_whole: bool = True
    changes: list[str] = field(default_factory=list)

    @torch.inference_mode(False)
    def __post_init__(self) -> None:
        self.settings, self.processes = self.loss.settings, self.loss.processes
        self.settings.check()
        self.parameters = self.loss.parameters
        self.device, self.dtype = self.loss.device, self.loss.dtype
        for note in precision_notes(self.settings.precision, self.device):
            log.warning("AnimateDiff Kit: %s", note)
        self.optimizer = self.loss.optimizer()
        self.average = (
            WeightAverage(self.parameters, self.settings.ema) if self.settings.ema else None
        )
        scaled = self.dtype == torch.float16
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=scaled)  # pyright: ignore

    def identity(self) -> dict[str, Any]:
        """What a run must have in common with the one that it resumes."""
        return {**self.loss.identity(), **self.settings.decides()}

    @torch.inference_mode(False)
    def resume(self, path: Path) -> None:
        """Go on where the checkpoint was written. Raises ValueError for one of another run."""
        checkpoint = load(path)
        allowed = names_in(self.settings.resume_changes)
        changes = check_identity(checkpoint, self.identity(), path, allowed)
        changes += restore_weights(self.parameters, self.average, checkpoint)
        anew = begins_anew(self.optimizer, checkpoint, self.settings.optimizer)
        if not anew:
            restore_optimizer(self.optimizer, self.parameters, checkpoint)
        self.changes = changes + anew
        if checkpoint.scaler:
            self.scaler.load_state_dict(checkpoint.scaler)
        self.step = checkpoint.step
        self.losses = checkpoint.tensors["losses"].tolist()
        self.skipped = sum(map(math.isnan, self.losses))

    @torch.inference_mode(False)
    def train(self) -> None:
        """All steps that are left. Whatever ends it, a checkpoint of the last whole step stays;
        where weights are half changed, as without memory for the optimizer, the last that was
        written.

        Raises ValueError when the gradients stop being numbers.
        """
        saved = self.step
        every = self.settings.save_every
        try:
            while self.step < self.settings.steps:
                report = self.one_step()
                if every and self.step % every == 0:
                    self.save()
                    saved = self.step
                self.watch(report)
                self.check_progress(report)
        finally:
            if saved != self.step and self.is_whole:
                self.save()

    def one_step(self) -> Report:
        """One step of the optimizer, over all its forward passes."""
        self.optimizer.zero_grad(set_to_none=True)  # of a step that broke off in its backward pass
        rate = self.loss.rate(self.step)
        set_rate(self.optimizer, rate)
        loss = self.gradients()
        self.scaler.unscale_(self.optimizer)
        norm = float(nn.utils.clip_grad_norm_(self.parameters.values(), self.settings.clip_norm))
        finite = math.isfinite(norm)
        self.is_whole = False
        if finite:
            self.scaler.step(self.optimizer)
            if self.average is not None:
                self.average.update(self.parameters, self.step)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.losses.append(loss if finite else math.nan)
        self.skipped += not finite
        self.step += 1
        self.is_whole = True
        return Report(self.step, self.losses[-1], norm, rate, self.skipped)

    def gradients(self) -> float:
        """Forward and backward over the step's passes, whose gradients add up to those of their
        mean.   -> that mean"""
        passes = self.settings.gradient_accumulation
        losses: list[Tensor] = []
        for i in range(passes):
            last = i + 1 == passes
            alone = nullcontext() if last else self.processes.no_exchange(self.loss.network)
            with alone, self.loss.step_loss(self.step * passes + i) as loss:
                self.scaler.scale(loss / passes).backward()
            losses.append(self.processes.mean(loss.detach()))
        total = 0.0
        for loss in losses:  # read when all are on their way: reading waits for the device
            total += float(loss) / passes
        return total

    def check_progress(self, report: Report) -> None:
        """Raise ValueError where no step has had a finite gradient for long."""
        last = self.losses[-SKIPS_IN_A_ROW:]
        if len(last) == SKIPS_IN_A_ROW and all(map(math.isnan, last)):
            raise ValueError(
                f"The gradients were no numbers in {SKIPS_IN_A_ROW} steps in a row, up to step "
                f"{report.step}. Lower the learning rate ({self.settings.learning_rate:g}), or "
                "choose the precision bf16 or fp32."
            )

    def save(self) -> Path | None:
        """A checkpoint of the last whole step; the first process writes it."""
        if self.processes.rank != 0:
            return None
        optimizer, plain = optimizer_tensors(self.optimizer, self.parameters)
        tensors: dict[str, Tensor] = {f"weights.{k}": p for k, p in self.parameters.items()}
        if self.average is not None:
            tensors.update({f"average.{k}": t for k, t in self.average.values.items()})
        tensors.update(optimizer)
        tensors["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        checkpoint = Checkpoint(
            self.step, self.identity(), tensors, self.scaler.state_dict(), plain
        )
        return save(self.folder, checkpoint, self.settings.keep)

    def weights(self) -> dict[str, Tensor]:
        """What is exported: the running average where there is one, else the weights."""
        if self.average is not None:
            return self.average.values
        with torch.no_grad(), finished_weights(self.optimizer) as differ:
            found = {name: p.detach() for name, p in self.parameters.items()}
            return {name: t.clone() for name, t in found.items()} if differ else found
