"""How the small world's networks are trained by the pack's engine."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ..training.engine.checkpoints import found
from ..training.engine.config import TrainingSettings
from ..training.engine.loop import Report, Run
from ..training.engine.optimizer import make_optimizer
from ..training.engine.processes import OneProcess
from ..training.engine.step_loss import StepLoss

log = logging.getLogger(__name__)

Loss = TypeVar("Loss", bound=StepLoss)

BETAS = (0.9, 0.99)
"""AdamW's; squared gradients are remembered for some 100 steps, as runs are short."""

LENGTHS = ("steps", "save_every")
"""What a recipe may change between a run and the one that goes on with it."""


@dataclass(frozen=True)
class Recipe(ABC):
    """What a network is trained with.   rate: the highest learning rate;   average: decay of the
    running average of the weights, 0 for none"""

    steps: int
    batch: int = 64
    rate: float = 1e-3
    average: float = 0.0
    seed: int = 0
    save_every: int = 100

    @abstractmethod
    def rate_at(self, step: int) -> float:
        """The learning rate in a step, 0 the first."""

    def settings(self) -> TrainingSettings:
        return TrainingSettings(
            steps=self.steps,
            batch_size=self.batch,
            learning_rate=self.rate,
            precision="fp32",
            gradient_checkpointing=False,
            ema=self.average,
            seed=self.seed,
            save_every=self.save_every,
            preview_every=0,
            keep=1,
        )


class NetworkLoss(StepLoss):
    """The loss of a network of the small world, in float32 and in one process. Draws are the CPU's
    on every device."""

    def __init__(self, network: nn.Module, recipe: Recipe, device: torch.device) -> None:
        network.to(device)
        self.network, self.recipe, self.settings = network, recipe, recipe.settings()
        self.parameters = {n: p for n, p in network.named_parameters() if p.requires_grad}
        self.processes = OneProcess()

    @abstractmethod
    def of(self, generator: torch.Generator) -> Tensor:
        """The mean loss of a batch that is drawn from the generator."""

    @contextmanager
    def step_loss(self, place: int) -> Iterator[Tensor]:
        yield self.of(torch.Generator().manual_seed(self.recipe.seed * 10**6 + place))

    def identity(self) -> dict[str, Any]:
        recipe = {k: v for k, v in asdict(self.recipe).items() if k not in LENGTHS}
        return {"weights": len(self.parameters), "recipe": recipe}

    def rate(self, step: int) -> float:
        return self.recipe.rate_at(step)

    def optimizer(self) -> torch.optim.Optimizer:
        return make_optimizer(self.parameters, self.settings, BETAS)


def trained(run: Run[Loss]) -> Run[Loss]:
    """To its last step, from where it was stopped."""
    if there := found(run.folder):
        run.resume(there[-1])
    run.train()
    return run


@dataclass
class Watch:
    """Tells the mean loss of every 50 steps."""

    total: float = 0.0
    count: int = 0

    def __call__(self, report: Report) -> None:
        self.total, self.count = self.total + report.loss, self.count + 1
        if report.step % 50 == 0:
            log.info("step %d: loss %.4f", report.step, self.total / self.count)
            self.total, self.count = 0.0, 0
