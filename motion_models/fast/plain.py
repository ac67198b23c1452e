"""The steps of a motion module by torch's own operations, which every device has."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..call import Call
from ..modules import TemporalTransformer, group_norm
from ..specs import HEADS
from .scratch import rows_at_once
from .steps import Pass, positions


class PlainSteps:
    """Residuals are added by the products themselves (beta = 1); the feed-forward's wide tensor is
    made for some rows at a time, and its two halves become their product in place.

    A table of positions is added to the normalised tokens in place, as the reference does, not as a
    bias of the product: without a kernel of its own, a bias that differs by frame is a copy of
    three widths which the product then reads again.
    """

    keeps_weights = False

    def __init__(self, transformer: TemporalTransformer, x: Tensor, here: Pass) -> None:
        self.transformer, self.here = transformer, here
        rule = transformer.rule(here.call)
        self.normed = group_norm(transformer.norm, x, here.call.frames, rule).flatten(2)

    def enter(self, part: slice, y: Tensor) -> None:
        normed = self.normed[..., part].transpose(1, 2)
        with self.here.weights.of(self.transformer.proj_in) as (weight, bias):
            torch.baddbmm(bias, normed, for_each(weight.t(), y), out=y)

    def attend(self, attention: Any, norm: Any, y: Tensor) -> None:
        here, (frames, p, c) = self.here, y.shape
        h = self.layer_norm(norm, y)
        h.view(-1, here.call.frames, p, c).add_(positions(attention.pos_encoder, here.call).to(y))
        joined = here.weights.joined((attention.to_q, attention.to_k, attention.to_v))
        qkv = here.scratch.of("wide", 3, frames * p, c)
        rows = h.flatten(0, 1).expand(3, -1, -1)
        torch.bmm(rows, joined.unflatten(0, (3, c)).transpose(1, 2), out=qkv)
        attended = over_frames(qkv, p, here.call).flatten(0, 1).view(frames * p, c)
        with here.weights.of(attention.to_out[0]) as (weight, bias):
            y.flatten(0, 1).addmm_(attended, weight.t()).add_(bias)

    def feed_forward(self, block: Any, y: Tensor) -> None:
        here, (gate, _, down) = self.here, block.ff.net
        for rows in y.flatten(0, 1).split(rows_at_once(y, y.shape[2])):
            h = self.layer_norm(block.ff_norm, rows)
            wide = here.scratch.of("wide", len(rows), 8 * rows.shape[1])
            with here.weights.of(gate.proj) as (weight, bias):
                torch.addmm(bias, h, weight.t(), out=wide)
            with here.weights.of(down) as (weight, bias):
                rows.addmm_(geglu(wide), weight.t()).add_(bias)

    def leave(self, y: Tensor, before: Tensor, after: Tensor) -> None:
        strength: Any = self.here.call.strength
        with self.here.weights.of(self.transformer.proj_out) as (weight, bias):
            torch.add(before, bias[:, None], alpha=strength, out=after)
            after.baddbmm_(for_each(weight, y), y.transpose(1, 2), alpha=strength)

    def layer_norm(self, norm: Any, y: Tensor) -> Tensor:
        """A tensor of its own.   ... c -> ... c"""
        with self.here.weights.of(norm) as (weight, bias):
            return functional.layer_norm(y, norm.normalized_shape, weight, bias, norm.eps)


def for_each(matrix: Tensor, frames: Tensor) -> Tensor:
    """The matrix for each frame, without a copy."""
    return matrix.expand(frames.shape[0], *matrix.shape)


def over_frames(qkv: Tensor, pixels: int, call: Call) -> Tensor:
    """Attention over the frames of each pixel and head, whose heads are one dimension.   qkv: 3 (b
    f p) c -> b f (p heads) d"""
    heads = pixels * HEADS
    q, k, v = qkv.view(3, -1, call.frames, heads, qkv.shape[2] // HEADS).transpose(2, 3)
    scale: Any = call.motion_scale
    if scale != 1.0:
        k.mul_(scale)
    return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).contiguous()


def geglu(wide: Tensor) -> Tensor:
    """rows 8c -> rows 4c, in the memory of its second half."""
    value, gate = wide.chunk(2, dim=-1)
    return torch.ops.aten.gelu_(gate).mul_(value)
