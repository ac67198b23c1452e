"""How strongly motion layers act: one number, or values over frames, steps and pixels.

Whatever takes a Strength takes a number, or a callable that is asked in each call of the UNet, for
each size of its feature maps. So a value can follow its frame through windows (`call.indices`), the
steps of sampling (`call.progress`) and the picture (height and width).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .call import Call

Values = float | Tensor
"""One number for all, or (b f) 1 h w: a number for each latent of the batch and each pixel."""

Strength = float | Callable[["Call", int, int], Values]
"""Values, or what gives them for a call and the height and width of a feature map."""


def values_at(strength: Strength, call: Call, x: Tensor) -> Values:
    """The values of `strength` for the map x: (b f) c h w, on its device and in its dtype.

    Raises ValueError where a callable gives neither a number nor a tensor (b f) 1 h w; h and w may
    both be 1.
    """
    if not callable(strength):
        return strength
    values = side_by_side([asked(strength, one, x) for one in call.by_window()], call)
    return values.to(x) if isinstance(values, Tensor) else values


def asked(strength: Callable[[Call, int, int], Values], call: Call, x: Tensor) -> Values:
    """What a callable gives for a call of one window, looked at."""
    height, width = x.shape[2:]
    values = strength(call, height, width)
    if not isinstance(values, Tensor):
        return float(values)
    batch = call.videos * call.frames
    if tuple(values.shape) not in ((batch, 1, height, width), (batch, 1, 1, 1)):
        raise ValueError(
            f"A strength over frames gave a tensor of shape {list(values.shape)} for "
            f"{call.videos} videos of {call.frames} frames at {height}x{width}; it must be a "
            f"number, or a tensor of shape {[batch, 1, height, width]}."
        )
    return values


def side_by_side(windows: list[Values], call: Call) -> Values:
    """The values of a call with several windows: those of each cond, window by window.   each a
    number or (c f) 1 h w, of c conds -> the same, or (c w f) 1 h w of w windows"""
    first = windows[0]
    if len(windows) == 1 or not any(isinstance(v, Tensor) or v != first for v in windows):
        return first
    rows = call.videos * call.frames // len(windows)
    maps = [v if isinstance(v, Tensor) else torch.full((rows, 1, 1, 1), v) for v in windows]
    maps = torch.broadcast_tensors(*(v.to(maps[0].device) for v in maps))
    return torch.stack([v.unflatten(0, (-1, call.frames)) for v in maps], 1).flatten(0, 2)


def add_scaled(x: Tensor, residual: Tensor, values: Values) -> Tensor:
    """x + values * residual.   x, residual: (b f) c h w"""
    if isinstance(values, Tensor):
        return torch.addcmul(x, residual, values)
    return torch.add(x, residual, alpha=values)


def by_pixel(values: Values, videos: int, pixels: int) -> Values:
    """Values for rows of pixels: (b f) 1 h w -> (b n) f 1; a number stays one."""
    if not isinstance(values, Tensor):
        return values
    rows = values.flatten(1).unflatten(0, (videos, -1))  # b f n, or b f 1
    return rows.expand(-1, -1, pixels).permute(0, 2, 1).flatten(0, 1).unsqueeze(-1)
