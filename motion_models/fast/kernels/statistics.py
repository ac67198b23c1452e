"""Means and variances for norms, in float32 whatever the numbers' dtype is.

Blocks of numbers are joined by the formula of Chan et al. (1979), so that each is read once and a
mean far from 0 costs no digits.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def group_statistics(
    x,
    means,
    variances,
    frame_stride,
    channel_stride,
    pixel_stride,
    pixels,
    GROUP: tl.constexpr,
    BLOCK_C: tl.constexpr,
    BLOCK_P: tl.constexpr,
):
    """Of each group of GROUP channels in each frame.   x: f c p;   means, variances: f groups

    Grid: f, groups."""
    frame, group = tl.program_id(0).to(tl.int64), tl.program_id(1)
    channel, pixel = tl.arange(0, BLOCK_C)[:, None], tl.arange(0, BLOCK_P)[None, :]
    here = x + frame * frame_stride + (group * GROUP + channel) * channel_stride
    count, mean, squares = 0.0, 0.0, 0.0
    for start in range(0, pixels, BLOCK_P):
        inside = (channel < GROUP) & (start + pixel < pixels)
        tile = tl.load(here + (start + pixel) * pixel_stride, mask=inside, other=0.0)
        tile = tile.to(tl.float32)
        more = (tl.minimum(pixels - start, BLOCK_P) * GROUP).to(tl.float32)
        its_mean = tl.sum(tl.sum(tile, 1), 0) / more
        apart = tl.where(inside, tile - its_mean, 0.0)
        step, total = its_mean - mean, count + more
        mean += step * more / total
        squares += tl.sum(tl.sum(apart * apart, 1), 0) + step * step * count * more / total
        count = total
    tl.store(means + frame * tl.num_programs(1) + group, mean)
    tl.store(variances + frame * tl.num_programs(1) + group, squares / count)


@triton.jit
def of_channels(
    means,
    variances,
    frame,
    channel,
    frames,
    GROUP: tl.constexpr,
    GROUPS: tl.constexpr,
    ACROSS: tl.constexpr,
    BLOCK_F: tl.constexpr,
):
    """Mean and variance for each channel of a frame: its own, or with ACROSS those of all frames of
    its video.   channel: k -> k, k"""
    group = channel // GROUP
    if ACROSS:
        number = tl.arange(0, BLOCK_F)[:, None]
        place = (frame // frames * frames + number) * GROUPS + group[None, :]
        inside = number < frames
        of_frames = tl.load(means + place, mask=inside, other=0.0)
        mean = tl.sum(of_frames, 0) / frames
        apart = tl.where(inside, of_frames - mean[None, :], 0.0)
        inner = tl.load(variances + place, mask=inside, other=0.0)
        variance = tl.sum(inner + apart * apart, 0) / frames
    else:
        mean = tl.load(means + frame * GROUPS + group)
        variance = tl.load(variances + frame * GROUPS + group)
    return mean, variance


@triton.jit
def of_rows(rows, inside, C: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_K: tl.constexpr):
    """Mean and variance of each row.   rows: m pointers to C numbers; inside: m, whether there is
    such a row -> m, m"""
    column = tl.arange(0, BLOCK_K)[None, :]
    mean, squares = tl.zeros([BLOCK_M], tl.float32), tl.zeros([BLOCK_M], tl.float32)
    for k in range(0, C, BLOCK_K):
        tile = tl.load(rows[:, None] + k + column, mask=inside[:, None], other=0.0)
        tile = tile.to(tl.float32)
        its_mean = tl.sum(tile, 1) / BLOCK_K
        apart, step = tile - its_mean[:, None], its_mean - mean
        mean += step * BLOCK_K / (k + BLOCK_K)
        squares += tl.sum(apart * apart, 1) + step * step * (k * BLOCK_K / (k + BLOCK_K))
    return mean, squares / C
