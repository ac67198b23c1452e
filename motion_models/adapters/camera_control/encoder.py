"""CameraCtrl's pose encoder, and the layers that hand its features to motion modules (pose_adaptor
and attention_processor of hehao13/CameraCtrl).

    rays, 8 x 8 pixels to one -> convolution
    -> for each level: [halved, but for the first] -> 2 x [residual block -> attention over the
       frames of one pixel, and feed-forward] -> a feature map

A temporal attention then sees x + merge(x + feature) in the place of x, where x has its positions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...call import Call
from ...model import container
from ...modules import TemporalTransformerBlock, all_at_once
from ...specs import MotionSpec
from ...views.frame_parts import FrameParts
from ..image_to_video.encoder import ResidualBlock

SHRINK = 8
"""Pixels of the picture to one of the UNet's first level."""

MERGE = "{module}.temporal_transformer.transformer_blocks.0.attention_blocks.0.processor"


@dataclass(frozen=True)
class CameraSpec:
    """What a file is.

    motion: name, the motion modules that are told the poses, and the encoder's positions; blocks:
    of a level of the encoder
    """

    motion: MotionSpec
    blocks: int


class CameraControl(nn.Module):
    """Encoder and merging layers; its state dict has the authors' keys (tables of positions left
    out)."""

    def __init__(
        self, spec: CameraSpec, operations: Any, dtype: torch.dtype, device: torch.device | str
    ) -> None:
        super().__init__()
        self.spec, self.dtype, self.source = spec, dtype, ""
        factory: dict[str, Any] = dict(dtype=dtype, device=device)
        widths, positions = spec.motion.layout.widths, spec.motion.positions
        self.encoder_conv_in = operations.Conv2d(6 * SHRINK**2, widths[0], 3, padding=1, **factory)
        self.encoder_down_conv_blocks = nn.ModuleList()
        self.encoder_down_attention_blocks = nn.ModuleList()
        before = widths[0]
        for i, c in enumerate(widths):
            convolutions, attentions = nn.ModuleList(), nn.ModuleList()
            for j in range(spec.blocks):
                halves = i > 0 and j == 0
                convolutions.append(ResidualBlock(before, c, halves, operations, **factory))
                attentions.append(TemporalTransformerBlock(c, positions, 1, operations, **factory))
                before = c
            self.encoder_down_conv_blocks.append(convolutions)
            self.encoder_down_attention_blocks.append(attentions)
        for module, c in spec.motion.layout.modules().items():
            place = container(self, MERGE.format(module=module))
            place.add_module("qkv_merge", operations.Linear(c, c, **factory))

    def get_dtype(self) -> torch.dtype:
        """The dtype of the weights, for ComfyUI's ModelPatcher."""
        return self.dtype

    def merge(self, module: str) -> nn.Module:
        """The layer for the motion module of this name."""
        return self.get_submodule(f"{MERGE.format(module=module)}.qkv_merge")

    def features(
        self, rays: Callable[[int], Tensor], call: Call, parts: FrameParts
    ) -> list[Tensor]:
        """The maps of each level, f c h w, for the frames of a call of one video.

        rays: gives those of a part of the frames, by its first: l 6 h w of the picture
        """

        def first(start: int) -> Tensor:
            return self.encoder_conv_in(functional.pixel_unshuffle(rays(start), SHRINK))

        x, features = parts.run(first), []
        levels = zip(self.encoder_down_conv_blocks, self.encoder_down_attention_blocks, strict=True)
        for level in levels:
            for convolution, attention in zip(*level, strict=True):  # pyright: ignore
                x = in_parts(convolution, x, parts)
                x = over_time(attention, x, call, parts)
            features.append(x)
        return features

    def feature(self, features: list[Tensor], module: str) -> Tensor:
        """The one of the level that a motion module stands in: the last is the middle's, too, and
        up blocks go back."""
        block, level = module.split(".")[:2]
        if block == "down_blocks":
            return features[int(level)]
        return features[-1 - int(level)] if block == "up_blocks" else features[-1]


def in_parts(layer: nn.Module, x: Tensor, parts: FrameParts) -> Tensor:
    """A layer that looks at one frame at a time."""
    return parts.run(lambda start: layer(parts.take(x, start)))


def over_time(block: nn.Module, x: Tensor, call: Call, parts: FrameParts) -> Tensor:
    """A temporal block over all frames of some pixels at a time; in views, over their windows.   x:
    f c h w -> the same"""
    views, made = call.run.views, torch.empty_like(x)
    mix = all_at_once if views is None else views.blend
    rows, out = (y.flatten(2).permute(2, 0, 1) for y in (x, made))  # n f c
    size = -(-len(rows) // (1 if views is None else views.parts(len(x))))
    for start in range(0, len(rows), size):
        part = rows[start : start + size].to(parts.device)
        out[start : start + size].copy_(block(part, call, 1.0, mix))
    return made
