"""Attention over the few frames of a pixel, all heads of it in one program.

Kernels for long sequences take a program for each head and fill an eighth of its rows with 16
frames. Here queries, keys and values of a pixel are read as they lie, head by head.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def over_frames(
    qkv,
    out,
    rows,
    pixels,
    frames,
    scale,
    C: tl.constexpr,
    HEADS: tl.constexpr,
    BLOCK_F: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """Self-attention of each pixel over the frames of its video.   qkv: 3 (b f p) c; scale: of the
    logits;   out: (b f p) c.   Grid: b * p"""
    size: tl.constexpr = C // HEADS
    video, pixel = (tl.program_id(0) // pixels).to(tl.int64), tl.program_id(0) % pixels
    frame, d = tl.arange(0, BLOCK_F), tl.arange(0, BLOCK_D)
    row = (video * frames + frame) * pixels + pixel
    inside = (frame < frames)[:, None] & (d < size)[None, :]
    for head in range(HEADS):
        place = row[:, None] * C + head * size + d[None, :]
        q = tl.load(qkv + place, mask=inside, other=0.0)
        k = tl.load(qkv + rows.to(tl.int64) * C + place, mask=inside, other=0.0)
        v = tl.load(qkv + rows.to(tl.int64) * (2 * C) + place, mask=inside, other=0.0)
        logits = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        logits = tl.where((frame < frames)[None, :], logits, float("-inf"))
        weights = tl.exp(logits - tl.max(logits, 1)[:, None])
        weights = weights / tl.sum(weights, 1)[:, None]
        attended = tl.dot(weights.to(v.dtype), v, input_precision="ieee")
        tl.store(out + place, attended.to(out.dtype.element_ty), mask=inside)
