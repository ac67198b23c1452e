"""Low-rank changes beside a motion model's layers, whose strength may differ by frame.

A MotionLoRA of one strength is merged into the weights. One that follows the frames cannot be: its
layers are computed beside them, y = W x + strength * scale * up (down x) (Guo et al. 2024, section
4.3), with the strength of the row's frame and pixel. Nothing is put into the motion model: what a
call has beside it lies in the call, so that models which share weights may have others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from comfy.weight_adapter.lora import LoRAAdapter
from torch import Tensor, nn

from .call import Beside, Call, Run
from .strength import Strength, Values, by_pixel, values_at

ATTACHMENT = "animatediff_kit_low_rank"
"""Where a patcher of a motion model keeps its tuple of them; clones have it too."""


@dataclass(frozen=True, eq=False)
class LowRankOverTime:
    """A MotionLoRA with a strength that may differ by frame, step and pixel.

    pairs: by the layer's name, down: r in, and up: out r times alpha / r
    """

    name: str
    pairs: Mapping[str, tuple[Tensor, Tensor]]
    strength: Strength


def attach(patcher: Any, low_rank: LowRankOverTime) -> None:
    """Have what is applied with this patcher of a motion model computed beside its layers."""
    patcher.set_attachments(ATTACHMENT, (*attached(patcher), low_rank))


def attached(patcher: Any) -> tuple[LowRankOverTime, ...]:
    return patcher.get_attachment(ATTACHMENT) or ()


def pairs_of(patches: Mapping[str, LoRAAdapter], name: str) -> dict[str, tuple[Tensor, Tensor]]:
    """down: r in, and up: out r with alpha / r in it, by the layer of ComfyUI's patches.

    Raises ValueError for a DoRA.
    """
    pairs = {}
    for key, patch in patches.items():
        up, down, alpha, _, magnitude, _ = patch.weights
        if magnitude is not None:
            raise ValueError(
                f"{name} is a DoRA, which changes the lengths of weights: it has no strength that "
                "differs by frame. Disconnect the strength over time, or use a plain LoRA."
            )
        scale = 1.0 if alpha is None else alpha / down.shape[0]
        pairs[key.removesuffix(".weight")] = (down, up * scale)
    return pairs


def beside(patcher: Any, run: Run, device: torch.device, dtype: torch.dtype) -> tuple[Beside, ...]:
    """What a call has beside the layers of a motion model, on the device that computes; copied
    there once a run."""
    model = patcher.model
    return tuple(
        run.keep(
            ("low rank", low_rank, model, device, dtype),
            partial(on_layers, low_rank, model, device, dtype),
        )
        for low_rank in attached(patcher)
    )


def on_layers(
    low_rank: LowRankOverTime, model: nn.Module, device: torch.device, dtype: torch.dtype
) -> Beside:
    layers = {
        model.get_submodule(name): tuple(part.to(device, dtype) for part in pair)
        for name, pair in low_rank.pairs.items()
    }
    return Beside(low_rank.strength, layers)


def scales_at(call: Call, x: Tensor) -> Values:
    """The motion scale, and behind it the strength of each low-rank change beside the layers, for
    the map x: (b f) c h w.   -> a number where nothing is beside, or (b n) f 1 + k"""
    pixels = x.shape[2] * x.shape[3]
    scale = by_pixel(values_at(call.motion_scale, call, x), call.videos, pixels)
    if not call.beside:
        return scale
    columns = [
        scale,
        *(by_pixel(values_at(b.strength, call, x), call.videos, pixels) for b in call.beside),
    ]
    shape = (call.videos * pixels, call.frames, 1)
    return torch.cat(
        [c if isinstance(c, Tensor) else x.new_full((1, 1, 1), c).expand(shape) for c in columns],
        dim=-1,
    )


def of_keys(scales: Values) -> Values:
    """The motion scale of `scales_at`."""
    return scales[..., :1] if isinstance(scales, Tensor) else scales


def linear(layer: nn.Module, x: Tensor, call: Call, scales: Values) -> Tensor:
    """The layer, and what the call has beside it.   x: (b n) f in -> (b n) f out"""
    y = layer(x)
    for column, change in enumerate(call.beside, start=1):
        if layer in change.layers:
            assert isinstance(scales, Tensor)
            down, up = change.layers[layer]
            strength = scales[..., column : column + 1]
            y = torch.addcmul(y, nn.functional.linear(nn.functional.linear(x, down), up), strength)
    return y
