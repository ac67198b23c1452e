"""Linear layers together with what stands before and behind them.

A program makes BLOCK_M rows of BLOCK_N columns; those of the same rows run one behind the other, so
that what they read again is still in a cache. Sums are float32. A weight is out in, as torch keeps
it; C is in, BLOCK_K divides it, and BLOCK_N divides the columns.

Shapes: f frames of all videos, p pixels, m = f * p rows, c channels. Grids are one number.
"""

from __future__ import annotations

import triton
import triton.language as tl

from .statistics import of_channels, of_rows


@triton.jit
def entering(
    x,
    means,
    variances,
    gamma,
    beta,
    weight,
    bias,
    out,
    frame_stride,
    channel_stride,
    pixel_stride,
    pixels,
    frames,
    eps,
    C: tl.constexpr,
    GROUP: tl.constexpr,
    ACROSS: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """out = linear(group norm of x).   x: f c p;   out: f p c"""
    blocks: tl.constexpr = C // BLOCK_N
    of_pixels = tl.cdiv(pixels, BLOCK_M)
    block = tl.program_id(0) // blocks
    frame = (block // of_pixels).to(tl.int64)
    pixel = block % of_pixels * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tl.program_id(0) % blocks * BLOCK_N + tl.arange(0, BLOCK_N)
    inside = pixel[:, None] < pixels
    sums = tl.zeros([BLOCK_M, BLOCK_N], tl.float32)
    for k in range(0, C, BLOCK_K):
        channel = k + tl.arange(0, BLOCK_K)
        mean, variance = of_channels(  # pyright: ignore
            means, variances, frame, channel, frames, GROUP, C // GROUP, ACROSS, BLOCK_F
        )
        place = pixel[:, None] * pixel_stride + channel[None, :] * channel_stride
        tile = tl.load(x + frame * frame_stride + place, mask=inside, other=0.0).to(tl.float32)
        scale = tl.load(gamma + channel).to(tl.float32) / tl.sqrt(variance + eps)
        shift = tl.load(beta + channel).to(tl.float32)
        tile = (tile - mean[None, :]) * scale[None, :] + shift[None, :]
        part = tl.load(weight + n[None, :] * C + channel[:, None])
        sums = tl.dot(tile.to(part.dtype), part, sums, input_precision="ieee")
    sums += tl.load(bias + n).to(tl.float32)[None, :]
    place = (frame * pixels + pixel)[:, None] * C + n[None, :]
    tl.store(out + place, sums.to(out.dtype.element_ty), mask=inside)


@triton.jit
def normed(rows, inside, column, mean, variance, gamma, beta, eps):
    """Columns of rows behind a layer norm, float32.   rows: m pointers; column: k -> m k"""
    tile = tl.load(rows[:, None] + column[None, :], mask=inside[:, None], other=0.0)
    tile = (tile.to(tl.float32) - mean[:, None]) / tl.sqrt(variance + eps)[:, None]
    scale, shift = tl.load(gamma + column).to(tl.float32), tl.load(beta + column).to(tl.float32)
    return tile * scale[None, :] + shift[None, :]


@triton.jit
def attending(
    y,
    gamma,
    beta,
    table,
    to_q,
    to_k,
    to_v,
    out,
    rows,
    pixels,
    frames,
    eps,
    C: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """out = queries, keys and values of (layer norm of y + positions).   y: m c; table: frames c,
    those of one video;   out: 3 m c"""
    of_one: tl.constexpr = C // BLOCK_N
    which = tl.program_id(0) % (3 * of_one) // of_one
    row = (tl.program_id(0) // (3 * of_one)).to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tl.program_id(0) % of_one * BLOCK_N + tl.arange(0, BLOCK_N)
    inside = row < rows
    weight = to_q
    if which == 1:
        weight = to_k
    elif which == 2:
        weight = to_v
    mean, variance = of_rows(y + row * C, inside, C, BLOCK_M, BLOCK_K)  # pyright: ignore
    position = table + (row // pixels % frames) * C
    sums = tl.zeros([BLOCK_M, BLOCK_N], tl.float32)
    for k in range(0, C, BLOCK_K):
        column = k + tl.arange(0, BLOCK_K)
        tile = normed(y + row * C, inside, column, mean, variance, gamma, beta, eps)
        tile += tl.load(position[:, None] + column[None, :]).to(tl.float32)
        part = tl.load(weight + n[None, :] * C + column[:, None])
        sums = tl.dot(tile.to(part.dtype), part, sums, input_precision="ieee")
    place = (which * rows + row)[:, None] * C + n[None, :]
    tl.store(out + place, sums.to(out.dtype.element_ty), mask=inside[:, None])


@triton.jit
def gated(
    y,
    gamma,
    beta,
    weight,
    bias,
    out,
    rows,
    eps,
    C: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """out = GEGLU of the layer norm of y: a program makes columns of both halves, so that the 8c
    columns of the layer are never written.   y: m c;   out: m 4c"""
    blocks: tl.constexpr = 4 * C // BLOCK_N
    row = (tl.program_id(0) // blocks).to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tl.program_id(0) % blocks * BLOCK_N + tl.arange(0, BLOCK_N)
    inside = row < rows
    mean, variance = of_rows(y + row * C, inside, C, BLOCK_M, BLOCK_K)  # pyright: ignore
    value = tl.zeros([BLOCK_M, BLOCK_N], tl.float32)
    gate = tl.zeros([BLOCK_M, BLOCK_N], tl.float32)
    for k in range(0, C, BLOCK_K):
        column = k + tl.arange(0, BLOCK_K)
        tile = normed(y + row * C, inside, column, mean, variance, gamma, beta, eps)
        upper = weight + n[None, :] * C + column[:, None]
        part = tl.load(upper)
        tile = tile.to(part.dtype)
        value = tl.dot(tile, part, value, input_precision="ieee")
        gate = tl.dot(tile, tl.load(upper + 4 * C * C), gate, input_precision="ieee")
    value += tl.load(bias + n).to(tl.float32)[None, :]
    gate += tl.load(bias + 4 * C + n).to(tl.float32)[None, :]
    gelu = 0.5 * gate * (1.0 + tl.erf(gate * 0.7071067811865476))
    place = row[:, None] * (4 * C) + n[None, :]
    tl.store(out + place, (value * gelu).to(out.dtype.element_ty), mask=inside[:, None])


@triton.jit
def added(
    x,
    weight,
    bias,
    before,
    after,
    strength,
    rows,
    pixels,
    frame_stride,
    channel_stride,
    pixel_stride,
    COLUMNS: tl.constexpr,
    C: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """after = before + strength * linear(x), where both lie alike and may be one.   x: m c; before,
    after: f p columns, by their strides"""
    blocks: tl.constexpr = COLUMNS // BLOCK_N
    row = (tl.program_id(0) // blocks).to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tl.program_id(0) % blocks * BLOCK_N + tl.arange(0, BLOCK_N)
    inside = row[:, None] < rows
    sums = tl.zeros([BLOCK_M, BLOCK_N], tl.float32)
    for k in range(0, C, BLOCK_K):
        column = k + tl.arange(0, BLOCK_K)
        tile = tl.load(x + row[:, None] * C + column[None, :], mask=inside, other=0.0)
        part = tl.load(weight + n[None, :] * C + column[:, None])
        sums = tl.dot(tile, part, sums, input_precision="ieee")
    sums += tl.load(bias + n).to(tl.float32)[None, :]
    place = (row // pixels * frame_stride + row % pixels * pixel_stride)[:, None]
    place += n[None, :] * channel_stride
    stream = tl.load(before + place, mask=inside, other=0.0).to(tl.float32)
    stream += strength * sums
    tl.store(after + place, stream.to(after.dtype.element_ty), mask=inside)
