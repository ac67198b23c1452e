"""The settings of a training run, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

OPTIMIZERS = ("adamw", "adamw_8bit")
PRECISIONS = ("automatic", "fp32", "bf16", "fp16")
SCHEDULES = ("constant", "cosine")
TIMESTEPS = 1000
"""T of every family of models that motion modules exist for."""

SINCE = {
    # settings that files and checkpoints of earlier versions do not name -> what they then were
    "min_timestep": 0,
    "max_timestep": TIMESTEPS,
}


@dataclass(frozen=True)
class TrainingSettings:
    """What one run does. The defaults are the authors' where they published them (formats of
    guoyww/AnimateDiff's configs/training/v1/training.yaml), else common practice.

    batch_size: clips in one forward pass, over all processes together.
    learning_rate: of all ranks of a LoRA alike; low_rank.py says how the two go together.
    gradient_accumulation: forward passes for one step of the optimizer.
    warmup: steps over which the learning rate rises from 0.
    ema: decay of the average of the weights that is exported; 0 exports the weights themselves.
    caption_dropout: share of clips that are shown with the empty caption, for guidance.
    min_timestep, max_timestep: the noise levels that are drawn, from the first to before the last,
        out of 0 (hardly any) to 1000 (hardly anything else). Which way a camera goes is settled in
        the strongest noise, where the loss is a small part of the whole.
    snr_gamma: weight of min(SNR, gamma) / SNR (Hang et al. 2023); 0 is off.
    noise_offset: constant part of the noise of each channel, the same over a clip; 0 is off.
    debias: weight beta of MotionDirector's appearance-debiased loss (Zhao et al. 2023); 0 is off.
    save_every, preview_every: in steps; 0 saves at the end alone, and shows no preview.
    """

    steps: int = 1000
    batch_size: int = 1
    learning_rate: float = 1e-4
    optimizer: str = "adamw"
    precision: str = "automatic"
    gradient_checkpointing: bool = True
    gradient_accumulation: int = 1
    warmup: int = 0
    schedule: str = "constant"
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    ema: float = 0.0
    caption_dropout: float = 0.1
    min_timestep: int = 0
    max_timestep: int = TIMESTEPS
    snr_gamma: float = 0.0
    noise_offset: float = 0.0
    debias: float = 0.0
    seed: int = 0
    save_every: int = 250
    preview_every: int = 100
    keep: int = 2

    def check(self) -> None:
        """Raise ValueError for the first setting with which no run makes sense."""
        rules = {
            # name -> (holds, what must hold)
            "steps": (self.steps >= 1, "at least 1"),
            "batch_size": (self.batch_size >= 1, "at least 1"),
            "learning_rate": (0 < self.learning_rate < 1, "above 0 and below 1"),
            "optimizer": (self.optimizer in OPTIMIZERS, f"one of {', '.join(OPTIMIZERS)}"),
            "precision": (self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
            "gradient_accumulation": (self.gradient_accumulation >= 1, "at least 1"),
            "warmup": (0 <= self.warmup <= self.steps, f"from 0 to the {self.steps} steps"),
            "schedule": (self.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}"),
            "weight_decay": (self.weight_decay >= 0, "at least 0"),
            "clip_norm": (self.clip_norm > 0, "above 0"),
            "ema": (0 <= self.ema < 1, "from 0 to below 1"),
            "caption_dropout": (0 <= self.caption_dropout <= 1, "from 0 to 1"),
            "min_timestep": (self.min_timestep >= 0, "at least 0"),
            "max_timestep": (
                self.min_timestep < self.max_timestep <= TIMESTEPS,
                f"above min_timestep, {self.min_timestep}, and {TIMESTEPS} at most",
            ),
            "snr_gamma": (self.snr_gamma >= 0, "at least 0"),
            "noise_offset": (self.noise_offset >= 0, "at least 0"),
            "debias": (self.debias >= 0, "at least 0"),
            "seed": (0 <= self.seed < 2**64, "from 0 to 2^64 - 1"),
            "save_every": (self.save_every >= 0, "at least 0"),
            "preview_every": (self.preview_every >= 0, "at least 0"),
            "keep": (self.keep >= 1, "at least 1"),
        }
        for name, (holds, what) in rules.items():
            if not holds:
                raise ValueError(
                    f"The training setting {name} is {getattr(self, name)!r}; it must be {what}."
                )

    def decides(self) -> dict[str, Any]:
        """The settings that decide what a step computes; a run that is resumed must agree in
        them."""
        free = ("steps", "save_every", "preview_every", "keep", "gradient_checkpointing")
        constant = self.schedule == "constant"
        return {
            k: v
            for k, v in asdict(self).items()
            if (k not in free or (k == "steps" and not constant)) and SINCE.get(k) != v
        }
