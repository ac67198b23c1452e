"""The loss of the stages: how far the noise that is predicted in clips is from that added.

    clips, noise and timesteps, drawn from (seed, place)     batch_order.py, batches.py
    x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e                    noise_schedule.py
    mean |e - e_hat(x_t, t, text)|^2, weighed                losses.py

The recipe is that of guoyww/AnimateDiff's train.py, with what it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..models.conditioning import ModelInputs
from ..models.noise_schedule import diffuse
from ..models.seen import Seen
from ..models.stages import PIA, WHOLE, Trainee
from .batch_order import BatchOrder, buckets
from .batches import Batch, Clips, both_ways, draw
from .config import TrainingSettings
from .drawn_ahead import DrawnAhead
from .held_out import chosen_by, parted
from .likeness import likeness_of
from .losses import clip_errors, debiased, min_snr_weight
from .moving_clips import images_last, moving_clips
from .picture_draw import with_drawn_pictures
from .processes import OneProcess, Processes
from .step_loss import StepLoss


@dataclass
class ClipLoss(StepLoss):
    """shown, held_out: the clips that are trained on, and those that are not. Raises ValueError for
    settings, clips and processes with which the stage cannot be trained."""

    trainee: Trainee
    clips: Clips
    inputs: ModelInputs
    settings: TrainingSettings
    processes: Processes = field(default_factory=OneProcess)

    @torch.inference_mode(False)
    def __post_init__(self) -> None:
        self.settings.check()
        self.settings = self.settings.of_stage(self.trainee.stage in WHOLE)
        self.check_noise_levels()
        self.check_lora()
        if self.trainee.spec is not None:
            keep = self.settings.keep_images
            self.clips = images_last(self.clips) if keep else moving_clips(self.clips)
        self.check_clips()
        s, clips = self.settings, self.clips
        self.parameters = self.trainee.parameters
        self.shown, self.held_out = parted(clips, s.held_out, s.seed)
        self.likeness = likeness_of(clips, self.shown) if self.trainee.stage == PIA else None
        groups = buckets([clips.shape(i) for i in self.shown])
        groups = [[self.shown[i] for i in group] for group in groups]
        self.order = BatchOrder(groups, s.batch_size, s.seed)
        if s.gradient_checkpointing:
            self.trainee.denoiser.checkpoint_layers()
        self.network = self.processes.wrap(self.trainee.denoiser, s.gradient_exchange)
        self.batch = DrawnAhead(self.draws(), s.steps * s.gradient_accumulation)

    def check_noise_levels(self) -> None:
        """Raise ValueError where the settings ask for more noise than the model's schedule has."""
        most, steps = self.settings.max_timestep, len(self.trainee.signal)
        if most > steps:
            raise ValueError(
                f"The training setting max_timestep is {most}, and the model's noise schedule has "
                f"{steps} steps; set it to {steps} at most."
            )

    def check_lora(self) -> None:
        """Raise ValueError for settings of LoRAs where none is trained."""
        asked, plain = asdict(self.settings), asdict(TrainingSettings())
        for name in (name for name in asked if name.startswith("lora_")):
            if not self.trainee.rank and asked[name] != plain[name]:
                raise ValueError(
                    f"The training setting {name} is {asked[name]!r}, and a motion module has no "
                    f"LoRA; set it to {plain[name]!r}."
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
        # images alone teach no motion: the first clip, which is none where one moves, has several
        least = 1 if self.settings.keep_images and self.clips.shape(0)[0] > 1 else 2
        for index in range(len(self.clips)):
            frames = self.clips.shape(index)[0]
            if spec is not None and not least <= frames <= spec.positions:
                raise ValueError(
                    f"The clip {self.clips.name(index)} has {frames} frames; training {spec.name} "
                    f"needs from {least} to {spec.positions}. Set the frames of the clips to "
                    f"{spec.family.frames}."
                )
            amounts = self.trainee.amounts
            if amounts is not None and self.clips.name(index) not in amounts.axes.amounts:
                raise ValueError(
                    f"How far the camera moves in the clip {self.clips.name(index)} is not known; "
                    "axes are trained on clips that a camera moves over by known amounts."
                )

    def identity(self) -> dict[str, Any]:
        amounts = self.trainee.amounts
        return {
            "stage": self.trainee.stage,
            "rank": self.trainee.rank,
            "family": self.trainee.spec.family.name if self.trainee.spec else None,
            "weights": len(self.parameters),
            "clips": self.clips.pixels_fingerprint,
            "captions": self.clips.fingerprint,
            "models": self.trainee.models,
            **({"start": self.trainee.start} if self.trainee.start else {}),
            **({"axes": [list(one) for one in amounts.axes.moves]} if amounts else {}),
            **chosen_by(self.clips, self.settings.held_out),
        }

    @contextmanager
    def step_loss(self, place: int) -> Iterator[Tensor]:
        """Motion layers stand in the UNet inside the context, for the backward pass too."""
        batch = self.batch(place)
        scaled: AbstractContextManager[None] = nullcontext()
        if self.trainee.amounts is not None:
            rows = self.trainee.amounts.rows(batch.names).to(self.device)
            batch, scaled = both_ways(batch), self.trainee.amounts.of(torch.cat((rows, -rows)))
        clips, frames = batch.clean.shape[:2]
        with self.trainee.denoiser.animated(clips, frames, self.seen(batch)), scaled:
            yield self.of(batch)

    def draws(self) -> Callable[[int], Batch]:
        """What gives this process's part of the clips of a forward pass, on the host. It does not
        hold the loss, which would hold itself by it, and its weights with it."""
        part = slice(self.processes.rank, None, self.processes.count)
        clips, order, settings, likeness = self.clips, self.order, self.settings, self.likeness
        single, pins = self.trainee.single_frames, self.device.type == "cuda"

        def drawn(place: int) -> Batch:
            batch = draw(clips, order, place, settings, single, part)
            if likeness is not None:
                batch = with_drawn_pictures(batch, likeness, settings, place, part)
            return batch.pinned() if pins else batch

        return drawn

    def seen(self, batch: Batch) -> Seen | None:
        """What PIA is shown, on the device; None of other stages."""
        if batch.picture is None or batch.affinity is None:
            return None
        pictures = self.inputs.scaled(batch.picture.to(self.device, non_blocking=True))
        return Seen(pictures, batch.affinity.to(self.device, non_blocking=True))

    def of(self, batch: Batch) -> Tensor:
        """The mean loss of a batch, float32."""
        s = self.settings
        signal = self.trainee.signal[batch.t].float().to(self.device)
        clean = self.inputs.scaled(batch.clean.to(self.device, non_blocking=True))
        noise = batch.noise.to(self.device, non_blocking=True)
        added = noise
        if batch.perturbation is not None:
            added = noise + batch.perturbation.to(self.device, non_blocking=True)
        predicted = self.predicted(diffuse(clean, added, signal), batch)
        errors = clip_errors(predicted, noise)
        if s.debias:
            anchored = (debiased(x, batch.anchor, s.debias) for x in (predicted, noise))
            errors = errors + clip_errors(*anchored)
        if s.snr_gamma:
            errors = errors * min_snr_weight(signal, s.snr_gamma)
        return errors.mean()

    def predicted(self, noisy: Tensor, batch: Batch) -> Tensor:
        """The network's e_hat, float32.   noisy: b f 4 h w -> the same"""
        device, dtype = self.device, self.dtype
        pooled = None if batch.pooled is None else batch.pooled.to(device)
        vector = self.inputs.vector(pooled, noisy)
        with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            return self.network(
                noisy,
                batch.t.to(device, non_blocking=True),
                batch.text.to(device, non_blocking=True).to(dtype),
                None if vector is None else vector.to(device, dtype),
            ).float()
