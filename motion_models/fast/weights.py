"""The weights of layers for one call, as ComfyUI's own layers cast them.

Nothing that is made of weights outlives the call, so a patch (a MotionLoRA, a hook) can't leave
anything stale behind. ComfyUI may bring weights to the device through one buffer that the next
layer overwrites: what is used more than once is a copy, unless it is the parameter itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import comfy.ops
import torch
from torch import Tensor, nn

PLAIN = (torch.Tensor, nn.Parameter)
LINEAR, LAYER_NORM = comfy.ops.disable_weight_init.Linear, comfy.ops.disable_weight_init.LayerNorm
GROUP_NORM = comfy.ops.disable_weight_init.GroupNorm


def is_plain(layer: Any, kind: type[nn.Module]) -> bool:
    """Whether the layer is nothing but `kind` (LINEAR ...) over weights that ComfyUI casts:
    no kernel of its own for quantised weights, and nothing hooked to it."""
    return (
        isinstance(layer, kind)
        and type(layer).forward is kind.forward
        and type(layer).forward_comfy_cast_weights is kind.forward_comfy_cast_weights  # pyright: ignore
        and type(layer.weight) in PLAIN
        and not is_hooked(layer)
    )


def is_hooked(layer: nn.Module) -> bool:
    """Whether anything is to run instead of the layer's own forward, before it or after it."""
    hooks = layer._forward_hooks or layer._forward_pre_hooks
    return bool(hooks) or "forward" in layer.__dict__


class Weights:
    """Weights in the dtype and on the device of `like`; with `keep` each is fetched once."""

    def __init__(self, like: Tensor, keep: bool) -> None:
        self.like, self.keep = like, keep
        self.kept: dict[Any, Any] = {}

    @contextmanager
    def of(self, layer: Any) -> Iterator[tuple[Tensor, Tensor]]:
        """Weight and bias of the layer; a layer without bias gives None in its place."""
        if layer in self.kept:
            yield self.kept[layer]
            return
        weight, bias, stream = self.cast(layer)
        try:
            if self.keep:
                self.kept[layer] = lasting(weight, layer.weight), lasting(bias, layer.bias)
            yield self.kept.get(layer, (weight, bias))
        finally:
            comfy.ops.uncast_bias_weight(layer, weight, bias, stream)

    def cast(self, layer: Any) -> Any:
        """Weight and bias until they are uncast, and what uncasting takes."""
        return comfy.ops.cast_bias_weight(layer, self.like, offloadable=True)

    def joined(self, layers: Sequence[Any]) -> Tensor:
        """The weights of layers that see the same input, as those of one layer."""
        key = tuple(layers)
        if key not in self.kept:
            joined = self.fetch_joined(layers)
            if not self.keep:
                return joined
            self.kept[key] = joined
        return self.kept[key]

    def fetch_joined(self, layers: Sequence[Any]) -> Tensor:
        if all(self.is_ready(layer) for layer in layers):
            return torch.cat([layer.weight for layer in layers])
        rows = [layer.out_features for layer in layers]
        joined = self.like.new_empty((sum(rows), layers[0].in_features))
        for layer, part in zip(layers, joined.split(rows), strict=True):
            weight, bias, stream = self.cast(layer)
            part.copy_(weight)
            comfy.ops.uncast_bias_weight(layer, weight, bias, stream)
        return joined

    def is_ready(self, layer: Any) -> bool:
        """Whether the layer computes with its parameter as it is: no patch waits for it, and no
        dynamic VRAM of ComfyUI (`_v`) brings it."""
        weight, like = layer.weight, self.like
        cast = layer.weight_function or hasattr(layer, "_v")
        return weight.dtype == like.dtype and weight.device == like.device and not cast


def lasting(cast: Tensor | None, own: Tensor | None) -> Tensor | None:
    """What the next layer's weights can't overwrite."""
    if cast is None or own is None or cast.data_ptr() == own.data_ptr():
        return cast
    return cast.clone()
