"""What a run minimises. The loop (loop.py) knows steps, optimizer and checkpoints; what a pass
sees, computes and is judged by is here left open. clip_loss.py is the one of the three stages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from .config import TrainingSettings
from .optimizer import base_rate, make_optimizer, rate_at
from .processes import Processes, precision_on


class StepLoss(ABC):
    """Weights, and the loss of every forward pass over them.

    parameters: what is trained, in float32, under the names that checkpoints have.
    network: what the passes call, as `processes` wrapped it.
    """

    parameters: Mapping[str, nn.Parameter]
    settings: TrainingSettings
    processes: Processes
    network: nn.Module

    @abstractmethod
    def step_loss(self, place: int) -> AbstractContextManager[Tensor]:
        """The mean loss of forward pass `place`, 0 the first of the run; a scalar in float32. The
        backward pass belongs inside the context.

        What is drawn hangs on the seed and `place` alone, so that a run can be resumed.
        """

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What a run must have in common with the one that it resumes, beside the settings; as
        JSON."""

    def rate(self, step: int) -> float:
        """The learning rate in a step, 0 the first."""
        return base_rate(self.settings) * rate_at(step, self.settings)

    def optimizer(self) -> torch.optim.Optimizer:
        return make_optimizer(self.parameters, self.settings)

    @cached_property
    def device(self) -> torch.device:
        return next(iter(self.parameters.values())).device

    @cached_property
    def dtype(self) -> torch.dtype:
        """Of the arithmetic."""
        return precision_on(self.settings.precision, self.device)
