"""A motion module over all frames of a long video, in parts that take the memory of one window.

Its norm looks at the frames of a part, its attention at all frames of one pixel: so the first runs
over parts of the frames, the second over parts of the pixels. Between the two, the map is kept at
the parts' home with the pixels first, so that both parts of it lie close together.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor

from ..call import Call
from ..low_rank import scales_at
from ..modules import TemporalTransformer, group_norm
from ..specs import NormRule
from ..strength import add_scaled, values_at
from .frame_parts import FrameParts


def in_views(transformer: TemporalTransformer, x: Tensor, call: Call) -> Tensor:
    """x and what the transformer adds to it, with its attention in the call's views.   x: (b f) c h
    w -> (b f) c h w"""
    parts, views = call.parts, call.run.views
    assert parts is not None and views is not None
    pixels = normalised(transformer, x, parts, transformer.rule(call))
    size = -(-pixels.shape[1] // views.parts(parts.frames))
    scale = scales_at(call, x)
    for start in range(0, pixels.shape[1], size):
        throw_exception_if_processing_interrupted()
        rows = pixels[:, start : start + size]
        y = rows.to(parts.device).flatten(0, 1)  # (b n) f c
        part = scale
        if isinstance(part, Tensor):
            part = part.unflatten(0, (parts.videos, -1))[:, start : start + size].flatten(0, 1)
            part = part.to(parts.device)
        of_part = replace(call, pixels=slice(start, start + size))
        y = transformer.over_time(y, of_part, part, views.blend)
        rows.copy_(y.unflatten(0, (parts.videos, -1)))
    strength = values_at(call.strength, call, x)

    def add(start: int) -> Tensor:
        part = parts.take(x, start)
        residual = pixels[:, :, start : start + parts.length].to(parts.device)
        residual = residual.permute(0, 2, 3, 1).reshape(part.shape)
        return add_scaled(part, residual, parts.take(strength, start))

    return parts.run(add)


def normalised(
    transformer: TemporalTransformer, x: Tensor, parts: FrameParts, rule: NormRule
) -> Tensor:
    """The module's norm of x, pixels first.   x: (b f) c h w -> b n f c"""
    c, h, w = x.shape[1:]
    shape = (parts.videos, h * w, parts.frames, c)
    pixels = torch.empty(shape, dtype=x.dtype, device=parts.home)
    for start in parts.starts():
        part = parts.take(x, start)
        y = group_norm(transformer.norm, part, part.shape[0] // parts.videos, rule)
        y = y.reshape(parts.videos, -1, c, h * w).permute(0, 3, 1, 2)
        pixels[:, :, start : start + parts.length].copy_(y)
    return pixels
