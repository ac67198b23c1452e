"""The training loop: one for all three stages.

    for each step:
        clips, noise and timesteps, drawn from (seed, step)                  batches.py
        loss = mean |e - e_hat(x_t, t, text)|^2                              losses.py
        backward; clip the gradients; AdamW; running average                 optimizer.py
        now and then a checkpoint, which also an interruption leaves behind  checkpoints.py

Weights are float32, the arithmetic bf16 or fp16 by autocast where the device is good at it. The
recipe is that of guoyww/AnimateDiff's train.py, with what it lacks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..models.conditioning import ModelInputs
from ..models.noise_schedule import diffuse
from ..models.stages import Trainee
from .batches import Batch, Clips, buckets, draw
from .checkpoints import (
    Checkpoint,
    check_identity,
    load,
    optimizer_tensors,
    restore_optimizer,
    restore_weights,
    save,
)
from .config import TrainingSettings
from .losses import clip_errors, debiased, min_snr_weight
from .optimizer import WeightAverage, make_optimizer, rate_at
from .processes import OneProcess, Processes, precision_on

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
class Run:
    """One run of a stage. `folder` gets its checkpoints; `watch` is called after every step and
    may raise to end the run."""

    trainee: Trainee
    clips: Clips
    inputs: ModelInputs
    settings: TrainingSettings
    folder: Path
    watch: Callable[[Report], None] = lambda report: None
    processes: Processes = field(default_factory=OneProcess)
    step: int = 0
    skipped: int = 0
    losses: list[float] = field(default_factory=list)

    @torch.inference_mode(False)
    def __post_init__(self) -> None:
        self.settings.check()
        self.check_noise_levels()
        self.check_clips()
        self.parameters = self.trainee.parameters
        self.device = next(iter(self.parameters.values())).device
        self.dtype = precision_on(self.settings.precision, self.device)
        self.optimizer = make_optimizer(self.parameters, self.settings)
        self.average = (
            WeightAverage(self.parameters, self.settings.ema) if self.settings.ema else None
        )
        half = self.dtype == torch.float16
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=half)  # pyright: ignore
        self.groups = buckets([self.clips.shape(i) for i in range(len(self.clips))])
        if self.settings.gradient_checkpointing:
            self.trainee.denoiser.checkpoint_layers()
        self.denoiser = self.processes.wrap(self.trainee.denoiser)

    def check_noise_levels(self) -> None:
        """Raise ValueError where the settings ask for more noise than the model's schedule has."""
        most, steps = self.settings.max_timestep, len(self.trainee.signal)
        if most > steps:
            raise ValueError(
                f"The training setting max_timestep is {most}, and the model's noise schedule has "
                f"{steps} steps; set it to {steps} at most."
            )

    def check_clips(self) -> None:
        """Raise ValueError for a set that this stage cannot be trained on."""
        if not len(self.clips):
            raise ValueError("The set of clips is empty; training needs at least one clip.")
        if self.settings.batch_size % self.processes.count:
            raise ValueError(
                f"A batch of {self.settings.batch_size} clips cannot be shared by "
                f"{self.processes.count} processes; make it a multiple of that."
            )
        spec = self.trainee.spec
        for index in range(len(self.clips)):
            frames = self.clips.shape(index)[0]
            if spec is not None and not 2 <= frames <= spec.positions:
                raise ValueError(
                    f"The clip {self.clips.name(index)} has {frames} frames; training {spec.name} "
                    f"needs from 2 to {spec.positions}. Set the frames of the clips to "
                    f"{spec.family.frames}."
                )

    def identity(self) -> dict[str, Any]:
        """What a run must have in common with the one that it resumes."""
        return {
            "stage": self.trainee.stage,
            "rank": self.trainee.rank,
            "family": self.trainee.spec.family.name if self.trainee.spec else None,
            "weights": len(self.parameters),
            "clips": self.clips.fingerprint,
            "models": self.trainee.models,
            **({"start": self.trainee.start} if self.trainee.start else {}),
            **self.settings.decides(),
        }

    @torch.inference_mode(False)
    def resume(self, path: Path) -> None:
        """Go on where the checkpoint was written. Raises ValueError for one of another run."""
        checkpoint = load(path)
        check_identity(checkpoint, self.identity(), path)
        restore_weights(self.parameters, self.average, checkpoint)
        restore_optimizer(self.optimizer, self.parameters, checkpoint)
        if checkpoint.scaler:
            self.scaler.load_state_dict(checkpoint.scaler)
        self.step = checkpoint.step
        self.losses = checkpoint.tensors["losses"].tolist()
        self.skipped = sum(map(math.isnan, self.losses))

    @torch.inference_mode(False)
    def train(self) -> None:
        """All steps that are left. Whatever ends it, a checkpoint of the last whole step stays.

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
            if saved != self.step:
                self.save()

    def one_step(self) -> Report:
        """One step of the optimizer, over all its forward passes."""
        s = self.settings
        rate = s.learning_rate * rate_at(self.step, s)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = self.gradients()
        self.scaler.unscale_(self.optimizer)
        norm = float(nn.utils.clip_grad_norm_(self.parameters.values(), s.clip_norm))
        if math.isfinite(norm):
            self.scaler.step(self.optimizer)
            if self.average is not None:
                self.average.update(self.parameters, self.step)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.losses.append(loss if math.isfinite(norm) else math.nan)
        self.skipped += math.isnan(self.losses[-1])
        self.step += 1
        return Report(self.step, self.losses[-1], norm, rate, self.skipped)

    def gradients(self) -> float:
        """Forward and backward over the step's batches; their gradients add up to the mean's."""
        passes = self.settings.gradient_accumulation
        total = 0.0
        for i in range(passes):
            place = self.step * passes + i
            batch = draw(
                self.clips,
                self.groups,
                place,
                self.settings,
                self.trainee.single_frames,
            ).share(self.processes.rank, self.processes.count)
            exchange = i + 1 == passes
            with self.processes.apart(self.denoiser) if not exchange else nullcontext():
                total += self.forward_backward(batch) / passes
        return total

    def forward_backward(self, batch: Batch) -> float:
        clips, frames = batch.clean.shape[:2]
        with self.trainee.denoiser.animated(clips, frames):
            loss = self.loss(batch)
            self.scaler.scale(loss / self.settings.gradient_accumulation).backward()
        return float(self.processes.mean(loss.detach()))

    def loss(self, batch: Batch) -> Tensor:
        """The mean loss of a batch, float32."""
        s = self.settings
        signal = self.trainee.signal[batch.t].float().to(self.device)
        clean = self.inputs.scaled(batch.clean.to(self.device))
        noise = batch.noise.to(self.device)
        noisy = diffuse(clean, noise, signal)
        pooled = None if batch.pooled is None else batch.pooled.to(self.device)
        vector = self.inputs.vector(pooled, clean)
        with torch.autocast(
            self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32
        ):
            predicted = self.denoiser(
                noisy.to(self.dtype),
                batch.t.to(self.device),
                batch.text.to(self.device, self.dtype),
                None if vector is None else vector.to(self.device, self.dtype),
            ).float()
        errors = clip_errors(predicted, noise)
        if s.debias:
            anchored = (debiased(x, batch.anchor, s.debias) for x in (predicted, noise))
            errors = errors + clip_errors(*anchored)
        if s.snr_gamma:
            errors = errors * min_snr_weight(signal, s.snr_gamma)
        return errors.mean()

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
        return {name: p.detach() for name, p in self.parameters.items()}
