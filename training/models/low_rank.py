"""LoRA layers (Hu et al. 2022) while they are trained: y = W x + scale up(down(x)), W frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .axes import Amounts


class LowRankLinear(nn.Module):
    """A frozen linear layer with a trained change of low rank.   x: ... in -> ... out

    `down` starts from numbers of standard deviation 1/rank, `up` from zero, so the first step
    starts from the model as it is. At one learning rate the change of a higher rank begins smaller,
    as 1/sqrt(rank). After some 1 / (rank x rate) steps `down` has moved as far as it began, and
    then a higher rank changes faster than a lower one.

    scale: of the change, 1 without an alpha;   amounts: of the axes that the pair is made of, each
    of this rank (axes.py); None for a plain LoRA.
    """

    def __init__(
        self,
        linear: nn.Linear,
        rank: int,
        generator: torch.Generator,
        scale: float = 1.0,
        amounts: Amounts | None = None,
    ) -> None:
        super().__init__()
        self.linear, self.scale, self.amounts = linear, scale, amounts
        device = linear.weight.device
        width = rank * (1 if amounts is None else len(amounts))
        self.down = nn.Linear(linear.in_features, width, bias=False, device=device)
        self.up = nn.Linear(width, linear.out_features, bias=False, device=device)
        with torch.no_grad():
            start = torch.randn(self.down.weight.shape, generator=generator) / rank
            self.down.weight.copy_(start)
            self.up.weight.zero_()

    def forward(self, x: Tensor) -> Tensor:
        low = self.down(x)
        if self.amounts is not None:
            low = self.amounts.scaled(low)
        changed = self.up(low)
        return self.linear(x) + (changed if self.scale == 1.0 else self.scale * changed)


@dataclass(frozen=True)
class Pairs:
    """What the pairs of a LoRA have in common: see LowRankLinear."""

    rank: int
    generator: torch.Generator
    scale: float = 1.0
    amounts: Amounts | None = None


def attach(attention: nn.Module, name: str, pairs: Pairs) -> dict[str, nn.Parameter]:
    """Put LoRA layers on the four projections of an attention, spatial or temporal.

    -> the trained parameters under the names that files give them, e.g.
    `<name>.processor.to_q_lora.down.weight`.
    """
    parameters: dict[str, nn.Parameter] = {}
    for projection in ("to_q", "to_k", "to_v", "to_out"):
        parent, slot = attention, projection
        if projection == "to_out":  # Linear and dropout in a list, in both kinds of attention
            parent, slot = attention.get_submodule("to_out"), "0"
        parameters.update(attach_to(parent, slot, f"{name}.processor.{projection}_lora", pairs))
    return parameters


def attach_to(parent: nn.Module, slot: str, key: str, pairs: Pairs) -> dict[str, nn.Parameter]:
    """Put a LoRA layer on one linear layer.   -> `<key>.down.weight` and `<key>.up.weight`"""
    linear = parent.get_submodule(slot)
    assert isinstance(linear, nn.Linear)
    layer = LowRankLinear(linear, pairs.rank, pairs.generator, pairs.scale, pairs.amounts)
    parent._modules[slot] = layer
    halves: dict[str, Any] = {"down": layer.down.weight, "up": layer.up.weight}
    return {f"{key}.{half}.weight": weight for half, weight in halves.items()}
