"""The temporal transformer of AnimateDiff, as its authors compute it (Guo et al. 2024, sec. 4.2).

Parameter names are those of guoyww/AnimateDiff's motion_module.py: they are the file format. One
module is

    GroupNorm -> Linear
    -> 2 x [LayerNorm -> + positions -> self-attention over the frames of one pixel -> + input]
    -> LayerNorm -> GEGLU feed-forward -> + input
    -> Linear, zero at the start of training -> + the module's input

Shapes: b videos, f frames, c channels, h w map, n = h*w pixels, l rows of the position table.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from comfy.ldm.modules.attention import optimized_attention
from torch import Tensor, nn
from torch.nn import functional

from .specs import HEADS, MotionSpec, NormRule
from .views.windows import Views

GROUPS = 32
MAX_ATTENTION_BATCH = 2**15
"""Rows x heads of one attention call. CUDA kernels launch one block per row and head and stop at
65535; core's own limit is 32768. Pixels are independent, so the split is exact."""


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

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pe[:, : x.shape[1]].to(x)


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

    def forward(self, x: Tensor, key_scale: float, options: dict[str, Any]) -> Tensor:
        """x: (b n) f c -> (b n) f c.   `key_scale` multiplies the keys, thus the logits: above 1
        the frames attend more sharply, which people use for more motion."""
        x = self.pos_encoder(x)
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        if key_scale != 1.0:
            k = k * key_scale
        rows = MAX_ATTENTION_BATCH // HEADS
        parts = [
            optimized_attention(*part, heads=HEADS, transformer_options=options)
            for part in zip(q.split(rows), k.split(rows), v.split(rows), strict=True)
        ]
        return self.to_out[0](parts[0] if len(parts) == 1 else torch.cat(parts))


class GEGLU(nn.Module):
    """x: ... c -> ... 4c: value * gelu(gate), the exact (erf) gelu (Shazeer 2020)."""

    def __init__(self, channels: int, ops: Any, **factory: Any) -> None:
        super().__init__()
        self.proj = ops.Linear(channels, 8 * channels, **factory)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * functional.gelu(gate)


class FeedForward(nn.Module):
    """x: ... c -> ... c.   `net.1` is the authors' dropout, which has no weights and is 0 in
    every release."""

    def __init__(self, channels: int, ops: Any, **factory: Any) -> None:
        super().__init__()
        down = ops.Linear(4 * channels, channels, **factory)
        self.net = nn.Sequential(GEGLU(channels, ops, **factory), nn.Identity(), down)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TemporalTransformerBlock(nn.Module):
    """Two temporal attentions and a feed-forward, each on the normalised stream and added to it."""

    def __init__(self, channels: int, positions: int, ops: Any, **factory: Any) -> None:
        super().__init__()
        self.attention_blocks = nn.ModuleList(
            TemporalAttention(channels, positions, ops, **factory) for _ in range(2)
        )
        self.norms = nn.ModuleList(ops.LayerNorm(channels, **factory) for _ in range(2))
        self.ff = FeedForward(channels, ops, **factory)
        self.ff_norm = ops.LayerNorm(channels, **factory)

    def forward(
        self, x: Tensor, key_scale: float, options: dict[str, Any], views: Views | None = None
    ) -> Tensor:
        """x: (b n) f c -> (b n) f c"""

        def attend(x: Tensor) -> Tensor:
            for attention, norm in zip(self.attention_blocks, self.norms, strict=True):
                x = attention(norm(x), key_scale, options) + x
            return x

        x = attend(x) if views is None else views.blend(x, attend)
        return self.ff(self.ff_norm(x)) + x


class TemporalTransformer(nn.Module):
    """The whole module but for its skip connection."""

    def __init__(
        self, channels: int, positions: int, norm: NormRule, ops: Any, **factory: Any
    ) -> None:
        super().__init__()
        self.norm_rule: NormRule = norm
        self.norm = ops.GroupNorm(GROUPS, channels, eps=1e-6, **factory)
        self.proj_in = ops.Linear(channels, channels, **factory)
        self.transformer_blocks = nn.ModuleList(
            [TemporalTransformerBlock(channels, positions, ops, **factory)]
        )
        self.proj_out = ops.Linear(channels, channels, **factory)

    def forward(
        self,
        x: Tensor,
        frames: int,
        key_scale: float = 1.0,
        options: dict[str, Any] | None = None,
    ) -> Tensor:
        """The residual that the module adds.   x: (b f) c h w -> (b f) c h w"""
        c, h, w = x.shape[1:]
        y = group_norm(self.norm, x, frames, self.norm_rule)
        y = y.reshape(-1, frames, c, h * w).permute(0, 3, 1, 2).flatten(0, 1)  # (b n) f c
        y = self.over_time(y, key_scale, options or {})
        y = y.unflatten(0, (-1, h * w)).permute(0, 2, 3, 1)  # b f c n
        return y.reshape(x.shape)

    def over_time(
        self, y: Tensor, key_scale: float, options: dict[str, Any], views: Views | None = None
    ) -> Tensor:
        """y: (b n) f c -> (b n) f c"""
        y = self.proj_in(y)
        for block in self.transformer_blocks:
            y = block(y, key_scale, options, views)
        return self.proj_out(y)


class MotionModule(nn.Module):
    """One motion module.   x: (b f) c h w -> (b f) c h w

    `strength` scales the residual; at 1 this is the authors' module, at 0 the identity.
    """

    def __init__(
        self, channels: int, positions: int, norm: NormRule, ops: Any, **factory: Any
    ) -> None:
        super().__init__()
        self.temporal_transformer = TemporalTransformer(channels, positions, norm, ops, **factory)

    def forward(
        self,
        x: Tensor,
        frames: int,
        strength: float = 1.0,
        key_scale: float = 1.0,
        options: dict[str, Any] | None = None,
    ) -> Tensor:
        residual = self.temporal_transformer(x, frames, key_scale, options)
        return torch.add(x, residual, alpha=strength)


class MotionModel(nn.Module):
    """All motion modules of one file; its state dict has the authors' keys (tables of positions
    left out)."""

    def __init__(
        self, spec: MotionSpec, operations: Any, dtype: torch.dtype, device: torch.device | str
    ) -> None:
        super().__init__()
        self.spec = spec
        self.dtype = dtype
        self.source: tuple[str, str] | None = None
        """The file and the family input that it was loaded with, to load it once more."""
        for name, channels in spec.layout.modules().items():
            module = MotionModule(
                channels,
                spec.positions,
                spec.family.motion_norm,
                operations,
                dtype=dtype,
                device=device,
            )
            block, index = name.split(".motion_modules.")
            parent = container(container(self, block), "motion_modules")
            parent.add_module(index, module)

    def get_dtype(self) -> torch.dtype:
        """The dtype of the weights, for ComfyUI's ModelPatcher."""
        return self.dtype

    def module(self, name: str) -> MotionModule:
        """The motion module of this name, e.g. `up_blocks.1.motion_modules.2`."""
        found = self.get_submodule(name)
        assert isinstance(found, MotionModule)
        return found


def container(parent: nn.Module, path: str) -> nn.Module:
    """The nameless module at `path` below `parent`, made where it is missing."""
    for part in path.split("."):
        if part not in parent._modules:
            parent.add_module(part, nn.Module())
        parent = parent.get_submodule(part)
    return parent


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
