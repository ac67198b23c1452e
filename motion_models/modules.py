"""The temporal transformer of AnimateDiff, as its authors compute it (Guo et al. 2024, sec. 4.2).

Parameter names are those of guoyww/AnimateDiff's motion_module.py: they are the file format. One
module is

    GroupNorm -> Linear
    -> 2 x [LayerNorm -> + positions -> self-attention over the frames of one pixel -> + input]
    -> LayerNorm -> GEGLU feed-forward -> + input
    -> Linear, zero at the start of training -> + the module's input

This is the reference: the arithmetic in the authors' order. layers.py chooses what runs.

Shapes: b videos, f frames, c channels, h w map, n = h*w pixels, l rows of the position table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .call import Call
from .low_rank import linear, of_keys, scales_at, seen
from .specs import EVERYWHERE, HEADS, NormRule
from .strength import Values, add_scaled, values_at

GROUPS = 32
MAX_ROWS = 2**15
"""Rows of one attention call, core's own limit: CUDA kernels launch one block a row along a
dimension of the grid that ends at 65535. Pixels are independent, so the split is exact."""

Attend = Callable[[Tensor, Values], Tensor]
"""The attentions of a block.   (b n) f c, `scales` -> (b n) f c

`scales` is the motion scale, and behind it the strengths of what is beside the layers: a number, or
(b n) f 1 + k (low_rank.py)."""

Mix = Callable[[Tensor, Values, Attend], Tensor]
"""How attention is mixed over the frames: of all at once, or of windows (views/windows.py)."""


def all_at_once(x: Tensor, scale: Values, attend: Attend) -> Tensor:
    """Every frame attends to every other."""
    return attend(x, scale)


def sinusoidal_positions(positions: int, channels: int) -> Tensor:
    """Position table, 1 l c in float32: sin and cos of t / 10000^(2k/c), interleaved (Vaswani et
    al. 2017, section 3.5). The operations and their precision are the authors', so the table is
    theirs to the bit."""
    t = torch.arange(positions).unsqueeze(1)
    frequencies = torch.exp(torch.arange(0, channels, 2) * (-math.log(10000.0) / channels))
    table = torch.zeros(1, positions, channels)
    table[0, :, 0::2] = torch.sin(t * frequencies)
    table[0, :, 1::2] = torch.cos(t * frequencies)
    return table


class PositionalEncoding(nn.Module):
    """Adds row t of the table to frame t.   x: (b n) f c -> (b n) f c"""

    def __init__(self, channels: int, positions: int) -> None:
        super().__init__()
        self.register_buffer("pe", sinusoidal_positions(positions, channels), persistent=False)
        self.pe: Tensor
        self.name = ""
        """By which a call gives the table where it computes; set by the MotionModel."""

    def forward(self, x: Tensor, tables: Mapping[str, Tensor]) -> Tensor:
        table = tables[self.name] if self.name in tables else self.pe
        return x + table[:, : x.shape[1]].to(x)


class TemporalAttention(nn.Module):
    """Self-attention over the frames of one pixel; positions enter queries, keys and values
    alike."""

    def __init__(self, channels: int, positions: int, ops: Any, **factory: Any) -> None:
        super().__init__()
        self.pos_encoder = PositionalEncoding(channels, positions)
        self.to_q = ops.Linear(channels, channels, bias=False, **factory)
        self.to_k = ops.Linear(channels, channels, bias=False, **factory)
        self.to_v = ops.Linear(channels, channels, bias=False, **factory)
        self.to_out = nn.ModuleList([ops.Linear(channels, channels, **factory)])

    def forward(self, x: Tensor, call: Call, scale: Values = 1.0) -> Tensor:
        """x: (b n) f c -> (b n) f c.   `scale` multiplies the keys, thus the logits: above 1 the
        frames attend more sharply, which people use for more motion."""
        x = self.pos_encoder(x, call.positions)
        given = seen((self.to_q, self.to_k, self.to_v), x, call, scale)
        q, k, v, keys = given.q, given.k, given.v, of_keys(scale)
        if isinstance(keys, Tensor) or keys != 1.0:
            k = k * keys
        parts = [
            call.attention(*part, heads=HEADS)
            for part in zip(q.split(MAX_ROWS), k.split(MAX_ROWS), v.split(MAX_ROWS), strict=True)
        ]
        joined = given.joined(parts[0] if len(parts) == 1 else torch.cat(parts), scale)
        return linear(self.to_out[0], joined, call, scale)


class GEGLU(nn.Module):
    """x: ... c -> ... 4c: value * gelu(gate), the exact (erf) gelu (Shazeer 2020)."""

    def __init__(self, channels: int, ops: Any, **factory: Any) -> None:
        super().__init__()
        self.proj = ops.Linear(channels, 8 * channels, **factory)

    def forward(self, x: Tensor, call: Call, scale: Values = 1.0) -> Tensor:
        value, gate = linear(self.proj, x, call, scale).chunk(2, dim=-1)
        return value * functional.gelu(gate)


class FeedForward(nn.Module):
    """x: ... c -> ... c.   `net.1` is the authors' dropout, which has no weights and is 0 in
    every release."""

    def __init__(self, channels: int, ops: Any, **factory: Any) -> None:
        super().__init__()
        down = ops.Linear(4 * channels, channels, **factory)
        self.net = nn.Sequential(GEGLU(channels, ops, **factory), nn.Identity(), down)

    def forward(self, x: Tensor, call: Call, scale: Values = 1.0) -> Tensor:
        gate, _, down = self.net
        return linear(down, gate(x, call, scale), call, scale)


class TemporalTransformerBlock(nn.Module):
    """Temporal attentions (two, but one in adapters) and a feed-forward, each on the normalised
    stream and added to it."""

    def __init__(
        self, channels: int, positions: int, attentions: int, ops: Any, **factory: Any
    ) -> None:
        super().__init__()
        self.attention_blocks = nn.ModuleList(
            TemporalAttention(channels, positions, ops, **factory) for _ in range(attentions)
        )
        self.norms = nn.ModuleList(ops.LayerNorm(channels, **factory) for _ in range(attentions))
        self.ff = FeedForward(channels, ops, **factory)
        self.ff_norm = ops.LayerNorm(channels, **factory)

    def forward(self, x: Tensor, call: Call, scale: Values = 1.0, mix: Mix = all_at_once) -> Tensor:
        """x: (b n) f c -> (b n) f c;   scale: a number, or (b n) f 1 + k"""

        def attend(x: Tensor, scale: Values) -> Tensor:
            for attention, norm in zip(self.attention_blocks, self.norms, strict=True):
                x = attention(norm(x), call, scale) + x
            return x

        x = mix(x, scale, attend)
        return self.ff(self.ff_norm(x), call, scale) + x


class TemporalTransformer(nn.Module):
    """The whole module but for its skip connection."""

    def __init__(
        self,
        channels: int,
        positions: int,
        norm: NormRule,
        ops: Any,
        attentions: int = 2,
        **factory: Any,
    ) -> None:
        super().__init__()
        self.norm_rule: NormRule = norm
        self.norm = ops.GroupNorm(GROUPS, channels, eps=1e-6, **factory)
        self.proj_in = ops.Linear(channels, channels, **factory)
        self.transformer_blocks = nn.ModuleList(
            [TemporalTransformerBlock(channels, positions, attentions, ops, **factory)]
        )
        self.proj_out = ops.Linear(channels, channels, **factory)

    def forward(self, x: Tensor, call: Call) -> Tensor:
        """The residual that the module adds.   x: (b f) c h w -> (b f) c h w"""
        c, h, w = x.shape[1:]
        y = group_norm(self.norm, x, call.frames, self.rule(call))
        y = y.reshape(-1, call.frames, c, h * w).permute(0, 3, 1, 2).flatten(0, 1)  # (b n) f c
        inner = call.run.inner
        mix = all_at_once if inner is None else inner.blend
        y = self.over_time(y, call, scales_at(call, x), mix)
        y = y.unflatten(0, (-1, h * w)).permute(0, 2, 3, 1)  # b f c n
        return y.reshape(x.shape)

    def rule(self, call: Call) -> NormRule:
        """Over which frames the module's own norm takes its statistics."""
        return "across_frames" if call.norms == EVERYWHERE else self.norm_rule

    def over_time(
        self, y: Tensor, call: Call, scale: Values = 1.0, mix: Mix = all_at_once
    ) -> Tensor:
        """y: (b n) f c -> (b n) f c;   scale: as Attend says"""
        y = self.proj_in(y)
        for block in self.transformer_blocks:
            y = block(y, call, scale, mix)
        return self.proj_out(y)


class MotionModule(nn.Module):
    """One motion module.   x: (b f) c h w -> (b f) c h w

    The call's strength scales the residual; at 1 this is the authors' module, at 0 the identity.
    """

    def __init__(
        self,
        channels: int,
        positions: int,
        norm: NormRule,
        ops: Any,
        attentions: int = 2,
        **factory: Any,
    ) -> None:
        super().__init__()
        self.temporal_transformer = TemporalTransformer(
            channels, positions, norm, ops, attentions, **factory
        )

    def forward(self, x: Tensor, call: Call) -> Tensor:
        residual = self.temporal_transformer(x, call)
        return add_scaled(x, residual, values_at(call.strength, call, x))


def group_norm(norm: nn.Module, x: Tensor, frames: int, rule: NormRule) -> Tensor:
    """`norm` with statistics per frame, or over all frames of each video.   x: (b f) c h w -> (b f)
    c h w

    `norm` is called itself, so casting and offloading of its weights stay ComfyUI's work.
    """
    if rule == "per_frame" or frames == 1:
        return norm(x)
    video = x.unflatten(0, (-1, frames)).transpose(1, 2)  # b c f h w
    b, c, f, h, w = video.shape
    y = norm(video.reshape(b, c, f * h, w))
    return y.reshape(b, c, f, h, w).transpose(1, 2).flatten(0, 1)
