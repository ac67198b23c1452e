"""A motion module over all frames of a long video, in parts that take the memory of one window.

Its norm looks at the frames of a part, its attention at all frames of one pixel: so the first runs
over parts of the frames, the second over parts of the pixels. Between the two, the map is kept at
the parts' home with the pixels first, so that both parts of it lie close together.
"""

from __future__ import annotations

from typing import Any

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor

from ..modules import MotionModule, TemporalTransformer, group_norm
from .frame_parts import FrameParts
from .windows import Views


def animate(
    module: MotionModule,
    x: Tensor,
    parts: FrameParts,
    views: Views,
    strength: float,
    key_scale: float,
    options: dict[str, Any],
) -> Tensor:
    """What `module` gives for x with its attention in views.   x: (b f) c h w -> (b f) c h w"""
    transformer = module.temporal_transformer
    pixels = normalised(transformer, x, parts)
    size = -(-pixels.shape[1] // views.parts(parts.frames))
    for rows in pixels.split(size, dim=1):
        throw_exception_if_processing_interrupted()
        y = rows.to(parts.device).flatten(0, 1)  # (b n) f c
        y = transformer.over_time(y, key_scale, options, views)
        rows.copy_(y.unflatten(0, (parts.videos, -1)))

    def add(start: int) -> Tensor:
        part = parts.take(x, start)
        residual = pixels[:, :, start : start + parts.length].to(parts.device)
        residual = residual.permute(0, 2, 3, 1).reshape(part.shape)
        return torch.add(part, residual, alpha=strength)

    return parts.run(add)


def normalised(transformer: TemporalTransformer, x: Tensor, parts: FrameParts) -> Tensor:
    """The module's norm of x, pixels first.   x: (b f) c h w -> b n f c"""
    c, h, w = x.shape[1:]
    shape = (parts.videos, h * w, parts.frames, c)
    pixels = torch.empty(shape, dtype=x.dtype, device=parts.home)
    for start in parts.starts():
        part = parts.take(x, start)
        y = group_norm(transformer.norm, part, part.shape[0] // parts.videos, transformer.norm_rule)
        y = y.reshape(parts.videos, -1, c, h * w).permute(0, 3, 1, 2)
        pixels[:, :, start : start + parts.length].copy_(y)
    return pixels
