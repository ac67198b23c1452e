"""A motion module over a map, part by part: from its norm to its residual in parts of the pixels.

Attention over time sees the frames of one pixel, so pixels are independent, and a part goes through
the whole module while its tensors are close. Tokens are frame-major, (b f) p c, so that they are
views of the map: the first and the last linear layer read and write the map's own layout, channels
first or last, by the transposed operand that a matrix product takes for nothing, and no map is
permuted. Queries, keys and values are one product, and the heads of all pixels one dimension, so
that all videos are attended to at once. What is wide is written into the same memory for every
part, since new memory costs a CPU more time than the arithmetic on it.

Shapes: b videos, f frames, p pixels of the part, c channels.
"""

from __future__ import annotations

from typing import Any

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor

from ..call import Call
from ..modules import MotionModule
from .plain import PlainSteps
from .scratch import Scratch, pixels_at_once, rows_at_once
from .steps import Pass, Steps
from .weights import Weights


def forward(module: MotionModule, x: Tensor, call: Call, steps: type[Steps] = PlainSteps) -> Tensor:
    """What the module makes of x, for a call that fits.py lets in.   x: (b f) c h w -> (b f) c h
    w"""
    transformer = module.temporal_transformer
    x = viewable(x)
    out = torch.empty_like(x)
    before, after = x.flatten(2), out.flatten(2)
    pixels, most = before.shape[2], pixels_at_once(before)
    again = pixels > most or len(x) * pixels > rows_at_once(x, x.shape[1])
    here = Pass(call, Weights(x, keep=again or steps.keeps_weights), Scratch(x))
    way = steps(transformer, x, here)
    for start in range(0, pixels, most):
        throw_exception_if_processing_interrupted()
        part = slice(start, min(start + most, pixels))
        y = here.scratch.of("tokens", len(x), part.stop - start, x.shape[1])
        way.enter(part, y)
        block: Any
        for block in transformer.transformer_blocks:
            for attention, norm in zip(block.attention_blocks, block.norms, strict=True):
                way.attend(attention, norm, y)
            way.feed_forward(block, y)
        way.leave(y, before[..., part], after[..., part])
    return out


def viewable(x: Tensor) -> Tensor:
    """x: b c h w, with pixels that lie behind each other."""
    last = x.is_contiguous(memory_format=torch.channels_last)
    return x if last else x.contiguous()
