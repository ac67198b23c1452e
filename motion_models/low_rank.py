"""Low-rank changes beside a motion model's layers, whose strength may differ by frame.

A MotionLoRA of one strength is merged into the weights. One that follows the frames cannot be: its
layers are computed beside them, y = W x + strength * scale * up (down x) (Guo et al. 2024, section
4.3). What a frame is given, is computed with the strength of this frame alone (and pixel): also the
keys and values of the frames that it looks at. So each frame gets what the merged weights of its
strength would give it. Nothing is put into the motion model: what a
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
from .specs import HEADS
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
        up = up.float() if up.element_size() == 1 else up  # torch multiplies no float8
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
    """The layer, and what the call has beside it, each row with its own strength.   x: (b n) f in
    -> (b n) f out"""
    y = layer(x)
    for column, change in enumerate(call.beside, start=1):
        if layer in change.layers:
            y = torch.addcmul(y, change.of(layer, x), strengths(scales, column))
    return y


def strengths(scales: Values, column: int) -> Tensor:
    """(b n) f 1"""
    assert isinstance(scales, Tensor)
    return scales[..., column : column + 1]


@dataclass(frozen=True)
class Seen:
    """Queries, keys and values for an attention in which each frame sees all others as the weights
    of its own strengths make them. With the changes D_m beside keys and values,

        q_i (k_j + sum_m s_mi Dk_mj) = [q_i, s_1i q_i, ...] . [k_j, Dk_1j, ...]
        sum_j a_ij (v_j + sum_m s_mi Dv_mj) = y_0i + sum_m s_mi y_mi
        [y_0, y_1, ...] = a [v, Dv_1, ...]

    so one attention of wider heads gives it exactly.   q, k, v: (b n) f (heads times d (1 + m))
    """

    q: Tensor
    k: Tensor
    v: Tensor
    columns: tuple[int, ...] = ()

    def joined(self, y: Tensor, scales: Values) -> Tensor:
        """(b n) f (heads times d (1 + m)) -> (b n) f c"""
        if not self.columns:
            return y
        first, *more = by_head(y).chunk(1 + len(self.columns), dim=-1)
        for column, part in zip(self.columns, more, strict=True):
            first = torch.addcmul(first, part, strengths(scales, column).unsqueeze(-1))
        return first.flatten(2)


def seen(layers: tuple[Any, Any, Any], x: Tensor, call: Call, scales: Values) -> Seen:
    """What an attention's layers (to_q, to_k, to_v) and those beside make of x: (b n) f c."""
    to_q, to_k, to_v = layers
    q, k, v = linear(to_q, x, call, scales), to_k(x), to_v(x)
    columns = tuple(
        i for i, b in enumerate(call.beside, start=1) if to_k in b.layers or to_v in b.layers
    )
    if not columns:
        return Seen(q, k, v)
    heads = by_head(q)
    # attention divides by the root of the heads' width, which has grown
    q = torch.cat([heads, *(heads * strengths(scales, i).unsqueeze(-1) for i in columns)], dim=-1)
    q = q * (1 + len(columns)) ** 0.5
    beside = [call.beside[i - 1] for i in columns]
    k, v = (
        torch.cat([by_head(part), *(by_head(b.of(layer, x)) for b in beside)], dim=-1).flatten(2)
        for part, layer in ((k, to_k), (v, to_v))
    )
    return Seen(q.flatten(2), k, v, columns)


def by_head(x: Tensor) -> Tensor:
    """(b n) f c -> (b n) f heads d"""
    return x.unflatten(2, (HEADS, -1))
