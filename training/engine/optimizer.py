"""AdamW and others, the learning rate over the steps, and the running average of the weights."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .config import TrainingSettings


class FromPackage(NamedTuple):
    """An optimizer that is not torch's own: its module, its class, and what pip calls it."""

    module: str
    kind: str
    pip: str


PACKAGES = {
    "adamw_8bit": FromPackage("bitsandbytes", "optim.AdamW8bit", "bitsandbytes"),
    "prodigy": FromPackage("prodigyopt", "Prodigy", "prodigyopt"),
    "adamw_schedule_free": FromPackage("schedulefree", "AdamWScheduleFree", "schedulefree"),
}

OWN_RATE = ("prodigy",)
"""Those that find the learning rate themselves (Mishchenko & Defazio 2024); theirs begins at 1."""

PLAIN_STEPS = (None, 1.0)
"""Adafactor's eps. It takes steps of the rate times max(eps2, RMS of the weights) (Shazeer & Stern
2018, section 8). At their 1e-3 the up weights of a LoRA, which begin at 0, move a thousand times
less than by AdamW; at 1 a rate means the same for both, as long as no weights exceed an RMS of 1.
"""

SHARE = "adk_share"
"""In a group of weights: its learning rate over that of the run."""


def make_optimizer(
    parameters: Mapping[str, nn.Parameter],
    settings: TrainingSettings,
    betas: tuple[float, float] = (0.9, 0.999),
) -> torch.optim.Optimizer:
    """The settings' optimizer over float32 weights; AdamW is fused into few kernels where there is
    a GPU.

    betas: decay of the running means of gradients and of their squares (Kingma & Ba 2015).

    Raises ValueError for one whose package is not installed, and for LoRA+ with one that it does
    not go with.
    """
    groups = weight_groups(parameters, settings)
    options: dict[str, Any] = {
        "lr": base_rate(settings),
        "betas": betas,
        "weight_decay": settings.weight_decay,
    }
    if settings.optimizer in PACKAGES:
        made = from_package(settings.optimizer)(groups, **options)
    elif settings.optimizer == "adafactor":
        del options["betas"]
        made = adafactor()(groups, eps=PLAIN_STEPS, **options)
    else:
        fused = next(iter(parameters.values())).device.type == "cuda"
        made: Any = torch.optim.AdamW(groups, fused=fused, **options)
    if settings.optimizer == "adamw_schedule_free":
        made.train()
    return made


def base_rate(settings: TrainingSettings) -> float:
    return 1.0 if settings.optimizer in OWN_RATE else settings.learning_rate


def weight_groups(
    parameters: Mapping[str, nn.Parameter], settings: TrainingSettings
) -> list[dict[str, Any]]:
    """All weights alike; or, for LoRA+ (Hayou et al. 2024), the up matrices of LoRAs apart, with a
    higher rate."""
    if settings.lora_plus == 1.0:
        return [{"params": list(parameters.values())}]
    if settings.optimizer in OWN_RATE:
        raise ValueError(
            f"The training setting lora_plus is {settings.lora_plus:g}, and {settings.optimizer} "
            "finds one rate for all weights; set lora_plus to 1, or choose adamw."
        )
    ups = [p for name, p in parameters.items() if name.endswith("up.weight")]
    others = [p for name, p in parameters.items() if not name.endswith("up.weight")]
    return [{"params": others}, {"params": ups, SHARE: settings.lora_plus}]


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get(SHARE, 1.0)


def from_package(name: str) -> Any:
    """The optimizer's class. Raises ValueError where its package is not installed."""
    package = PACKAGES[name]
    try:
        found: Any = importlib.import_module(package.module)
    except ImportError as error:
        raise ValueError(
            f"The optimizer {name} needs {package.pip}, which is not installed. Install it into "
            f"ComfyUI's Python with `pip install {package.pip}`, or choose adamw."
        ) from error
    for part in package.kind.split("."):
        found = getattr(found, part)
    return found


def adafactor() -> Any:
    """torch's (Shazeer & Stern 2018). Raises ValueError for a torch that is without."""
    found: Any = getattr(torch.optim, "Adafactor", None)
    if found is None:
        raise ValueError(
            f"The optimizer adafactor needs torch 2.5, and this is {torch.__version__}; update "
            "torch, or choose adamw."
        )
    return found


@contextmanager
def finished_weights(optimizer: Any) -> Iterator[bool]:
    """Inside, the weights are those to use: schedule-free optimizers train at another point
    (Defazio et al. 2024).   -> whether they differ"""
    differs = hasattr(optimizer, "eval")
    if differs:
        optimizer.eval()
    try:
        yield differs
    finally:
        if differs:
            optimizer.train()


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
