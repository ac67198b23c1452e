"""LoRA layers (Hu et al. 2022) while they are trained: y = W x + up(down(x)), W frozen."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LowRankLinear(nn.Module):
    """A frozen linear layer with a trained change of low rank.   x: ... in -> ... out

    `down` starts from numbers of standard deviation 1/rank, `up` from zero, so the first step
    starts from the model as it is; the scale is 1 and there is no alpha. At one learning rate the
    change of a higher rank begins smaller, as 1/sqrt(rank). After some 1 / (rank x rate) steps
    `down` has moved as far as it began, and then a higher rank changes faster than a lower one.
    """

    def __init__(self, linear: nn.Linear, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.linear = linear
        device = linear.weight.device
        self.down = nn.Linear(linear.in_features, rank, bias=False, device=device)
        self.up = nn.Linear(rank, linear.out_features, bias=False, device=device)
        with torch.no_grad():
            start = torch.randn(self.down.weight.shape, generator=generator) / rank
            self.down.weight.copy_(start)
            self.up.weight.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.up(self.down(x))


def attach(
    attention: nn.Module, name: str, rank: int, generator: torch.Generator
) -> dict[str, nn.Parameter]:
    """Put LoRA layers on the four projections of an attention, spatial or temporal.

    -> the trained parameters under the names that files give them, e.g.
    `<name>.processor.to_q_lora.down.weight`.
    """
    parameters: dict[str, nn.Parameter] = {}
    for projection in ("to_q", "to_k", "to_v", "to_out"):
        parent: nn.Module = attention
        slot = projection
        if projection == "to_out":  # Linear and dropout in a list, in both kinds of attention
            parent, slot = attention.get_submodule("to_out"), "0"
        linear = parent.get_submodule(slot)
        assert isinstance(linear, nn.Linear)
        layer = LowRankLinear(linear, rank, generator)
        parent._modules[slot] = layer
        for part in ("down", "up"):
            key = f"{name}.processor.{projection}_lora.{part}.weight"
            parameters[key] = layer.get_submodule(part).weight  # pyright: ignore
    return parameters
