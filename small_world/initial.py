"""Weights to begin with."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)

KINDS: tuple[Any, ...] = (nn.Conv2d, nn.Linear, nn.GroupNorm, nn.LayerNorm)


def initialised(module: Module, seed: int, silent: tuple[str, ...] = ()) -> Module:
    """ComfyUI's layers leave their weights as memory has them; these are torch's own beginnings.

    silent: how the names end of layers that begin as zero, so that every residual begins as
    nothing (Ho et al. 2020, appendix B).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in module.modules():
            for kind in KINDS:
                if isinstance(layer, kind):
                    kind.reset_parameters(layer)
            if isinstance(layer, nn.Embedding):
                nn.init.normal_(layer.weight, std=0.5)
        for name, layer in module.named_modules():
            if silent and name.endswith(silent):
                for parameter in layer.parameters():
                    nn.init.zeros_(parameter)
    return module
