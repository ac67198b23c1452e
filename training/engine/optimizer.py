"""AdamW, its learning rate over the steps, and the running average of the weights."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .config import TrainingSettings


def make_optimizer(
    parameters: Mapping[str, nn.Parameter],
    settings: TrainingSettings,
    betas: tuple[float, float] = (0.9, 0.999),
) -> torch.optim.Optimizer:
    """AdamW over float32 weights, fused into few kernels where there is a GPU, or in 8 bits.

    betas: decay of the running means of gradients and of their squares (Kingma & Ba 2015).

    Raises ValueError when 8 bits are asked for and bitsandbytes is not installed.
    """
    values = list(parameters.values())
    options: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": betas,
        "weight_decay": settings.weight_decay,
    }
    if settings.optimizer == "adamw_8bit":
        try:
            library = importlib.import_module("bitsandbytes")
        except ImportError as error:
            raise ValueError(
                "The optimizer adamw_8bit needs bitsandbytes, which is not installed. Install it "
                "into ComfyUI's Python with `pip install bitsandbytes`, or choose adamw."
            ) from error
        return library.optim.AdamW8bit(values, **options)
    fused = values[0].device.type == "cuda"
    return torch.optim.AdamW(values, fused=fused, **options)


def rate_at(step: int, settings: TrainingSettings) -> float:
    """Share of the learning rate in step 0, 1...: rises over the warm-up, then stays or falls as a
    half cosine to 0."""
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    if settings.schedule == "constant":
        return 1.0
    done = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class WeightAverage:
    """Exponential running average of the trained weights (Polyak & Juditsky 1992), in float32.

    The decay rises from 0 as (1 + n) / (10 + n), so that the start is forgotten early.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], decay: float) -> None:
        self.decay = decay
        self.values = {name: p.detach().clone() for name, p in parameters.items()}

    @torch.no_grad()
    def update(self, parameters: Mapping[str, nn.Parameter], step: int) -> None:
        """After the step-th step of the optimizer, 0 the first."""
        decay = min(self.decay, (1 + step) / (10 + step))
        # all at once: on a GPU, hundreds of small kernels take longer than what they compute
        weights: list[Tensor] = [parameters[name] for name in self.values]
        torch._foreach_lerp_(list(self.values.values()), weights, 1 - decay)  # pyright: ignore

    def load(self, values: Mapping[str, Tensor]) -> None:
        for name, value in self.values.items():
            value.copy_(values[name])
