"""A motion module over a map, part by part: from its norm to its residual in parts of the pixels.

Attention over time sees the frames of one pixel, so pixels are independent, and a part goes through
the whole module while its tensors are close. Tokens are frame-major, (b f) p c, so that they are
views of the map: the first and the last linear layer read and write the map's own layout, channels
first or last, by the transposed operand that a matrix product takes for nothing, and no map is
permuted. Queries, keys and values are one batched product, and the heads of all pixels one
dimension, so that all videos are attended to at once; residuals are added by the products
themselves (beta = 1); the feed-forward's wide tensor is made for some rows at a time, and its two
halves become their product in place. What is wide is written into the same memory for every part,
since new memory costs a CPU more time than the arithmetic on it.

A table of positions is added to the normalised tokens in place, as the reference does, not as a
bias of the product: without a kernel of its own, a bias that differs by frame is a copy of three
widths which the product then reads again.

Shapes: b videos, f frames, p pixels of the part, c channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor
from torch.nn import functional

from ..call import Call
from ..modules import MotionModule, TemporalTransformer, group_norm
from ..specs import HEADS
from .scratch import Scratch, pixels_at_once, rows_at_once
from .weights import Weights


@dataclass(frozen=True)
class Pass:
    """What the steps of one module share.   weights: of its layers; scratch: memory for wide
    tensors; call: the call of the UNet"""

    call: Call
    weights: Weights
    scratch: Scratch


def forward(module: MotionModule, x: Tensor, call: Call) -> Tensor:
    """What the module makes of x, for a call that `computes` (fits.py) lets in.   x: (b f) c h w ->
    (b f) c h w"""
    transformer = module.temporal_transformer
    x = viewable(x)
    normed = group_norm(transformer.norm, x, call.frames, transformer.rule(call)).flatten(2)
    out = torch.empty_like(x)
    before, after = x.flatten(2), out.flatten(2)
    pixels, most = before.shape[2], pixels_at_once(before)
    again = pixels > most or len(x) * pixels > rows_at_once(x, x.shape[1])
    here = Pass(call, Weights(x, keep=again), Scratch(x))
    for start in range(0, pixels, most):
        throw_exception_if_processing_interrupted()
        part = (slice(None), slice(None), slice(start, start + most))
        y = tokens(transformer, normed[part], here)
        add_residual(transformer.proj_out, y, before[part], after[part], here)
    return out


def viewable(x: Tensor) -> Tensor:
    """x: b c h w, with pixels that lie behind each other."""
    last = x.is_contiguous(memory_format=torch.channels_last)
    return x if last else x.contiguous()


def tokens(transformer: TemporalTransformer, normed: Tensor, here: Pass) -> Tensor:
    """All that stands between the module's norm and its last layer.   normed: (b f) c p -> (b f) p
    c"""
    frames, c, p = normed.shape
    y = here.scratch.of("tokens", frames, p, c)
    with here.weights.of(transformer.proj_in) as (weight, bias):
        torch.baddbmm(bias, normed.transpose(1, 2), for_each(weight.t(), y), out=y)
    block: Any
    for block in transformer.transformer_blocks:
        for attention, norm in zip(block.attention_blocks, block.norms, strict=True):
            attend(attention, norm, y, here)
        feed_forward(block, y.flatten(0, 1), here)
    return y


def for_each(matrix: Tensor, frames: Tensor) -> Tensor:
    """The matrix for each frame, without a copy."""
    return matrix.expand(frames.shape[0], *matrix.shape)


def attend(attention: Any, norm: Any, y: Tensor, here: Pass) -> None:
    """Self-attention over the frames of each pixel, added to y in place.   y: (b f) p c"""
    frames, p, c = y.shape
    h = layer_norm(norm, y, here)
    h.view(-1, here.call.frames, p, c).add_(positions(attention.pos_encoder, y, here.call))
    joined = here.weights.joined((attention.to_q, attention.to_k, attention.to_v))
    qkv = here.scratch.of("wide", 3, frames * p, c)
    rows = h.flatten(0, 1).expand(3, -1, -1)
    torch.bmm(rows, joined.unflatten(0, (3, c)).transpose(1, 2), out=qkv)
    attended = over_frames(qkv, p, here.call).flatten(0, 1).view(frames * p, c)
    with here.weights.of(attention.to_out[0]) as (weight, bias):
        y.flatten(0, 1).addmm_(attended, weight.t()).add_(bias)


def over_frames(qkv: Tensor, pixels: int, call: Call) -> Tensor:
    """Attention over the frames of each pixel and head, whose heads are one dimension.   qkv: 3 (b
    f p) c -> b f (p heads) d"""
    heads = pixels * HEADS
    q, k, v = qkv.view(3, -1, call.frames, heads, qkv.shape[2] // HEADS).transpose(2, 3)
    scale: Any = call.motion_scale
    if scale != 1.0:
        k.mul_(scale)
    return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).contiguous()


def layer_norm(norm: Any, y: Tensor, here: Pass) -> Tensor:
    """A tensor of its own.   ... c -> ... c"""
    with here.weights.of(norm) as (weight, bias):
        return functional.layer_norm(y, norm.normalized_shape, weight, bias, norm.eps)


def positions(encoder: Any, y: Tensor, call: Call) -> Tensor:
    """A row for each frame of a video.   y: (b f) p c -> f 1 c"""
    table = call.positions[encoder.name] if encoder.name in call.positions else encoder.pe
    return table[0, : call.frames, None].to(y)


def feed_forward(block: Any, y: Tensor, here: Pass) -> None:
    """GEGLU feed-forward, added to y in place.   y: rows c"""
    gate, _, down = block.ff.net
    for rows in y.split(rows_at_once(y, y.shape[1])):
        h = layer_norm(block.ff_norm, rows, here)
        wide = here.scratch.of("wide", len(rows), 8 * y.shape[1])
        with here.weights.of(gate.proj) as (weight, bias):
            torch.addmm(bias, h, weight.t(), out=wide)
        with here.weights.of(down) as (weight, bias):
            rows.addmm_(geglu(wide), weight.t()).add_(bias)


def geglu(wide: Tensor) -> Tensor:
    """rows 8c -> rows 4c, in the memory of its second half."""
    value, gate = wide.chunk(2, dim=-1)
    return torch.ops.aten.gelu_(gate).mul_(value)


def add_residual(layer: Any, y: Tensor, before: Tensor, after: Tensor, here: Pass) -> None:
    """after = before + strength * layer(y).   y: (b f) p c; before, after: (b f) c p"""
    strength: Any = here.call.strength
    with here.weights.of(layer) as (weight, bias):
        torch.add(before, bias[:, None], alpha=strength, out=after)
        after.baddbmm_(for_each(weight, y), y.transpose(1, 2), alpha=strength)
