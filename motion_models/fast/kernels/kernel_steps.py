"""The steps of a motion module by kernels of its own: 11 for a part, where torch takes 24."""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from ...modules import GROUPS, TemporalTransformer
from ...specs import HEADS
from ..steps import Pass, positions
from .attention import over_frames
from .products import added, attending, entering, gated
from .statistics import group_statistics

ROWS, DEEP, WARPS = 128, 32, 8
"""Rows and depth of a product's blocks, and the warps that compute one: what registers and shared
memory of every GPU since Ampere hold, as benchmarks/compiled_kernels.py says."""

COUNTED = 4096
"""Numbers that the statistics take at once."""

LEAST = 16
"""Rows and columns that a matrix product takes at least."""


class KernelSteps:
    keeps_weights = True

    def __init__(self, transformer: TemporalTransformer, x: Tensor, here: Pass) -> None:
        self.transformer, self.here, self.x = transformer, here, x.flatten(2)
        self.across = transformer.rule(here.call) != "per_frame"
        frames, c, pixels = self.x.shape
        self.means = torch.empty((frames, GROUPS), dtype=torch.float32, device=x.device)
        self.variances = torch.empty_like(self.means)
        launch(
            group_statistics,
            (frames, GROUPS),
            *(self.x, self.means, self.variances, *self.x.stride(), pixels),
            **of_groups(c),
        )

    def enter(self, part: slice, y: Tensor) -> None:
        norm, x = self.transformer.norm, self.x[..., part]
        frames, p, c = y.shape
        norms = (self.means, self.variances, *self.weights(norm))
        of_video = self.here.call.frames
        launch(
            entering,
            frames * triton.cdiv(p, ROWS) * (c // columns(c)),
            *(x, *norms, *self.weights(self.transformer.proj_in), y),
            *(*x.stride(), p, of_video, norm.eps),
            **of_entering(c, of_video, self.across),
        )

    def attend(self, attention: Any, norm: Any, y: Tensor) -> None:
        here, (frames, p, c) = self.here, y.shape
        rows, of_video = frames * p, here.call.frames
        qkv = here.scratch.of("wide", 3, rows, c)
        table = positions(attention.pos_encoder, here.call)[:, 0].to(y.device).contiguous()
        layers = attention.to_q, attention.to_k, attention.to_v
        launch(
            attending,
            triton.cdiv(rows, ROWS) * 3 * (c // columns(c)),
            *(y, *self.weights(norm), table, *(self.weights(to)[0] for to in layers), qkv),
            *(rows, p, of_video, norm.eps),
            **of_normed(c),
        )
        self.add(attention.to_out[0], self.over_frames(qkv, p), y)

    def over_frames(self, qkv: Tensor, p: int) -> Tensor:
        """Attention over the frames of each pixel and head.   qkv: 3 (b f p) c -> (b f p) c"""
        _, rows, c = qkv.shape
        call = self.here.call
        attended = self.here.scratch.of("attended", rows, c)
        scale: Any = call.motion_scale
        launch(
            over_frames,
            rows // call.frames,
            *(qkv, attended, rows, p, call.frames, float(scale) / (c // HEADS) ** 0.5),
            **of_attention(c, call.frames),
        )
        return attended

    def feed_forward(self, block: Any, y: Tensor) -> None:
        gate, _, down = block.ff.net
        frames, p, c = y.shape
        rows = frames * p
        wide = self.here.scratch.of("wide", rows, 4 * c)
        launch(
            gated,
            triton.cdiv(rows, ROWS) * (4 * c // columns(c)),
            *(y, *self.weights(block.ff_norm), *self.weights(gate.proj), wide),
            *(rows, block.ff_norm.eps),
            **of_normed(c),
        )
        self.add(down, wide, y)

    def leave(self, y: Tensor, before: Tensor, after: Tensor) -> None:
        strength: Any = self.here.call.strength
        self.add_scaled(self.transformer.proj_out, y, before, after, float(strength))

    def add(self, layer: Any, x: Tensor, y: Tensor) -> None:
        """y += layer(x).   x: (b f p) k; y: (b f) p c"""
        tokens = y.transpose(1, 2)
        self.add_scaled(layer, x, tokens, tokens, 1.0)

    def add_scaled(
        self, layer: Any, x: Tensor, before: Tensor, after: Tensor, strength: float
    ) -> None:
        """after = before + strength * layer(x).   before, after: (b f) c p, which lie alike"""
        frames, c, p = before.shape
        rows, deep = frames * p, x.shape[-1]
        launch(
            added,
            triton.cdiv(rows, ROWS) * (c // columns(c)),
            *(x, *self.weights(layer), before, after, strength, rows, p, *before.stride()),
            **of_added(c, deep),
        )

    def weights(self, layer: Any) -> tuple[Tensor, Tensor]:
        """Weight and bias of the layer, row behind row, which stay as they are: they are kept."""
        with self.here.weights.of(layer) as (weight, bias):
            return weight.contiguous(), bias if bias is None else bias.contiguous()


def launch(kernel: Any, grid: Any, x: Tensor, *others: Any, **constants: Any) -> None:
    """On the device of its first tensor, which need not be the current one.   grid: a number, or
    several"""
    with torch.cuda.device_of(x):
        kernel[grid if isinstance(grid, tuple) else (grid,)](x, *others, **constants)


def of_groups(c: int) -> dict[str, Any]:
    """What a kernel is compiled for at c channels: here the statistics."""
    size: Any = triton.next_power_of_2(c // GROUPS)
    return {"GROUP": c // GROUPS, "BLOCK_C": size, "BLOCK_P": COUNTED // size}


def of_entering(c: int, frames: int, across: bool) -> dict[str, Any]:
    sizes = {"C": c, "GROUP": c // GROUPS, "ACROSS": across, "BLOCK_F": block_of(frames)}
    return {**sizes, **blocks(c)}


def of_normed(c: int) -> dict[str, Any]:
    return {"C": c, **blocks(c)}


def of_added(c: int, deep: int) -> dict[str, Any]:
    """deep: what the layer takes in"""
    return {"COLUMNS": c, "C": deep, **blocks(c)}


def of_attention(c: int, frames: int) -> dict[str, Any]:
    sizes = {"BLOCK_F": block_of(frames), "BLOCK_D": block_of(c // HEADS)}
    return {"C": c, "HEADS": HEADS, "num_stages": 2, **sizes}


def blocks(c: int) -> dict[str, Any]:
    return {"BLOCK_M": ROWS, "BLOCK_N": columns(c), "BLOCK_K": DEEP, "num_warps": WARPS}


def columns(c: int) -> int:
    """Of a product's block: they divide what a layer of c channels gives."""
    return 64 if c % 64 == 0 else 32


def block_of(size: int) -> Any:
    return max(LEAST, triton.next_power_of_2(size))
