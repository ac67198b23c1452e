"""One evaluation of all frames, in which the motion layers alone slide the windows.

motion_models/views/windows.py computes them; here they are made for a step of sampling.
"""

from __future__ import annotations

import logging
from typing import Any

import comfy.model_management
import torch
from torch import Tensor

from ...motion_models.inject import applied_keys
from ...motion_models.views.windows import Views
from ..fuse import fuse_weights
from ..windows import WindowSettings, windows_of
from .stream import frames_of_room, home_of_stream, seen_by_others, stream_bytes

log = logging.getLogger(__name__)


def is_animated(patcher: Any) -> bool:
    """Whether a model has motion layers; without, windows in the motion module are none."""
    return bool(applied_keys(patcher))


def views_of(
    frames: int, settings: WindowSettings, step: int, home: torch.device | None = None
) -> Views:
    """The windows of a step with their shares in each frame."""
    windows = windows_of(frames, settings, step)
    weights = [fuse_weights(window, frames, settings, step) for window in windows]
    total = [0.0] * frames
    for window, values in zip(windows, weights, strict=True):
        for frame, value in zip(window, values, strict=True):
            total[frame] += value
    shares = (
        tuple(value / total[frame] for frame, value in zip(window, values, strict=True))
        for window, values in zip(windows, weights, strict=True)
    )
    return Views(tuple(map(tuple, windows)), tuple(shares), settings.length, home)


def home_of_views(
    model: Any,
    x: Tensor,
    length: int,
    options: dict[str, Any],
    forced: torch.device | None,
    tell: bool,
) -> torch.device | None:
    """Where the feature maps of x: f 4 h w are kept; None for its own device. `forced`, or by free
    memory, but on the device wherever others look at them. `tell`: say so in the log."""
    home = home_of_stream(model, x, length) if forced is None else forced
    if home is None:
        return None
    others = seen_by_others(model, options)
    gib = stream_bytes(model, x.shape) / 2**30
    if others and tell:
        log.warning(
            "Views keep %.1f GiB on the device, which may be too much: other nodes look at the "
            "feature maps there (%s). Without these nodes they are kept in host memory.",
            gib,
            ", ".join(others),
        )
    elif tell:
        log.info("AnimateDiff Kit: views keep %.1f GiB in host memory.", gib)
    return None if others else home


def room_for_views(patcher: Any, shape: Any, length: int, forced: torch.device | None) -> int:
    """For how many frames ComfyUI shall make room; see frames_of_room."""
    if forced is not None:
        return min(length, shape[0])
    total = comfy.model_management.get_total_memory(patcher.load_device) - patcher.model_size()
    return frames_of_room(patcher.model, shape, length, total)
