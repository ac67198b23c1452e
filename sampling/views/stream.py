"""Where views keep the feature maps of all frames: on the device, or in host memory.

ComfyUI's UNet is called once for the whole video and holds, between its layers, the map h of every
frame and the skips that wait for the way up. That stream grows with the video. Where it would not
fit on the device beside one window's layers, it is kept in host memory, and the layers take it from
there in parts (motion_models/views/frame_parts.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import comfy.model_management as memory
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import Downsample, ResBlock, UNetModel, Upsample
from torch import Tensor, nn

from ...motion_models.compat import free_memory
from ...motion_models.sites import uncompiled
from ...motion_models.views.spatial_parts import spatial_layers, stand_in

HOST = torch.device("cpu")

SHARED = ("cpu", "mps")
"""Kinds of devices that compute in host memory itself."""

MARGIN = 1.5
"""How far below the free memory an estimate must lie; ComfyUI's own, where it puts conds into one
batch."""

MAPS = 3
"""Maps as large as a block's input that live at once: the joined one, and the two it was joined of,
which are as large together as it is; then the results of the layers."""

STREAM_PATCHES = (
    # patches of other packs that ComfyUI's UNet gives the map of all frames
    "input_block_patch",
    "input_block_patch_after_skip",
    "middle_block_after_patch",
    "output_block_patch",
    "forward_timestep_embed_patch",
)


def fits(stream: float, window: float, free: float) -> bool:
    """Whether the stream fits on the device beside the layers of one window; all in bytes."""
    return MARGIN * (stream + window) <= free


def stream_elements(unet: UNetModel, height: int, width: int) -> int:
    """Elements of one frame's maps that live at once between the layers, at the most, for latents
    of height x width."""
    skips: list[int] = []
    scale, most, size = 1, 0, 0

    def size_after(layers: Iterable[nn.Module], size: int) -> int:
        nonlocal scale, most
        for layer in layers:
            channels = size // area()
            if isinstance(layer, ResBlock):
                channels = layer.out_channels
            elif isinstance(layer, nn.Conv2d):
                channels = layer.out_channels
            elif isinstance(layer, Downsample):
                scale *= 2
            elif isinstance(layer, Upsample):
                scale //= 2
            most = max(most, sum(skips) + MAPS * max(size, channels * area()))
            size = channels * area()
        return size

    def area() -> int:
        return math.ceil(height / scale) * math.ceil(width / scale)

    for block in unet.input_blocks:
        size = size_after(uncompiled(block).children(), size)
        skips.append(size)
    for block in unet.output_blocks:
        size = size_after(uncompiled(block).children(), size + skips.pop())
    return most


def stream_bytes(model: Any, shape: Any) -> int:
    """Bytes of the stream of one video whose latents have this shape: f 4 h w.   model: a
    BaseModel"""
    dtype = model.manual_cast_dtype or model.get_dtype()
    return shape[0] * stream_elements(model.diffusion_model, *shape[2:]) * memory.dtype_size(dtype)


def seen_by_others(model: Any, options: dict[str, Any]) -> list[str]:
    """What of other packs stands in the UNet and would meet maps in host memory: names of patches
    and of layers' classes.   options: transformer_options"""
    patches = options.get("patches", {})
    names = [name for name in STREAM_PATCHES if patches.get(name)]
    layers = (layer for _, _, layer in spatial_layers(model.diffusion_model))
    unknown = {type(layer).__name__ for layer in layers if stand_in(layer) is None}
    return [*names, *sorted(unknown)]


def home_of_stream(model: Any, x: Tensor, length: int) -> torch.device | None:
    """Host memory if the stream of the frames x: f 4 h w would not fit on their device beside a
    window of `length`; None if it stays there."""
    if x.device.type in SHARED:
        return None
    window = model.memory_required([length, *x.shape[1:]])
    free = free_memory(model.current_patcher, x.device)
    return None if fits(stream_bytes(model, x.shape), window, free) else HOST


def frames_of_room(model: Any, shape: Any, length: int, total: float) -> int:
    """For how many frames ComfyUI shall make room before it samples latents f 4 h w in views.

    One window's; and as many more as take the stream's memory, if it fits into the device's `total`
    bytes beside the model.
    """
    window = model.memory_required([length, *shape[1:]])
    stream = stream_bytes(model, shape)
    if window == 0 or not fits(stream, window, total):
        return min(length, shape[0])
    return min(shape[0], length + math.ceil(stream * length / window))
