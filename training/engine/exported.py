"""The weights that a run would export, in its network for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from .clip_loss import ClipLoss
from .loop import Run


@contextmanager
def exported_weights(run: Run[ClipLoss], strength: float = 1.0) -> Iterator[None]:
    """The running average, where there is one, stands in for the weights in training, a LoRA at
    some strength. Nothing is copied at strength 1, and all is as it was after."""
    stand_ins = at_strength(run.weights(), strength)
    own = {name: p.data for name, p in run.parameters.items()}
    try:
        for name, parameter in run.parameters.items():
            parameter.data = stand_ins[name]
        yield
    finally:
        for name, parameter in run.parameters.items():
            parameter.data = own[name]


def at_strength(tensors: dict[str, Tensor], strength: float) -> dict[str, Tensor]:
    """A LoRA that does at strength 1 what this one does at `strength`."""
    if strength == 1:
        return tensors
    return {name: t * strength if ".up." in name else t for name, t in tensors.items()}
