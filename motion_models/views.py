"""Views: windows inside the motion module alone.

Spatial layers look at one frame at a time, so windows that overlap compute them again and again.
With views the UNet is called once for all frames: its spatial layers run over the frames in parts
of one window's length, each frame once, and only the temporal attention slides its window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from comfy.ldm.modules.attention import SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import Downsample, ResBlock, UNetModel, Upsample
from torch import Tensor, nn

from .sites import sequences

OPTION = "animatediff_kit_views"
"""The key of transformer_options under which a sampling run gives its Views to the motion
layers."""


@dataclass(frozen=True)
class Views:
    """The windows of one sampling step.

    windows: frame indices of each; shares: what each place in it contributes to its frame, summing
    to 1 over the windows that hold the frame; length: frames that the spatial layers are given at
    once.
    """

    windows: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[float, ...], ...]
    length: int

    def parts(self, frames: int) -> int:
        """Into how many parts of about one window's size all frames are cut."""
        return -(-frames // self.length)

    def blend(self, x: Tensor, attend: Callable[[Tensor], Tensor]) -> Tensor:
        """The mean of `attend` over the windows, weighted by their shares.   x: (b n) f c -> (b
        n) f c"""
        blended = torch.zeros_like(x)
        for group in self.groups:
            index = torch.tensor([frame for i in group for frame in self.windows[i]])
            index = index.to(x.device)
            share = x.new_tensor([value for i in group for value in self.shares[i]])
            y = x.index_select(1, index).unflatten(1, (len(group), -1)).flatten(0, 1)
            y = attend(y).unflatten(0, (-1, len(group))).flatten(1, 2)
            blended.index_add_(1, index, y * share.unsqueeze(-1))
        return blended

    @cached_property
    def groups(self) -> list[list[int]]:
        """Windows that are attended to at once: they are of one length and share no frame, so
        that together they hold no more than the video. A long one takes few calls."""
        groups: list[list[int]] = []
        held: list[set[int]] = []
        for i, window in enumerate(self.windows):
            for group, frames in zip(groups, held, strict=True):
                if len(self.windows[group[0]]) == len(window) and frames.isdisjoint(window):
                    group.append(i)
                    frames.update(window)
                    break
            else:
                groups.append([i])
                held.append(set(window))
        return groups


@dataclass(frozen=True)
class FrameParts:
    """How a UNet batch of whole videos, (b f) ..., is cut into parts of neighbouring frames."""

    videos: int
    frames: int
    length: int

    def starts(self) -> range:
        return range(0, self.frames, self.length)

    def take(self, batch: Any, start: int) -> Any:
        """The part's frames of every video.   (b f) ... -> (b l) ...; what is no such batch
        stays."""
        if isinstance(batch, list):
            return [self.take(entry, start) for entry in batch]
        if not isinstance(batch, Tensor) or batch.shape[0] != self.videos * self.frames:
            return batch
        return batch.unflatten(0, (self.videos, self.frames))[
            :, start : start + self.length
        ].flatten(0, 1)

    def join(self, parts: list[Tensor]) -> Tensor:
        """The parts' results in the order of the whole batch.   [(b l) ...] -> (b f) ..."""
        return torch.cat([part.unflatten(0, (self.videos, -1)) for part in parts], dim=1).flatten(
            0, 1
        )

    def options(self, options: dict[str, Any], start: int) -> dict[str, Any]:
        """transformer_options for a part: other packs' attention patches are told its frames."""
        frames = list(range(start, min(start + self.length, self.frames)))
        part = {"full_length": self.frames, "context_length": len(frames), "sub_idxs": frames}
        return {**options, "ad_params": {**options.get("ad_params", {}), **part}}


class InParts(nn.Module):
    """Stands before a spatial layer for one call and runs it over the frames in parts.

    The sub-classes are of the layer's own class, by which ComfyUI decides what a layer is called
    with.
    """

    layer: nn.Module
    parts: FrameParts

    def hold(self, layer: nn.Module, parts: FrameParts) -> InParts:
        nn.Module.__init__(self)
        self.layer, self.parts = layer, parts
        return self

    def run(self, *batches: Any, **keywords: Any) -> Tensor:
        parts = self.parts
        return parts.join(
            [
                self.layer(*(parts.take(batch, start) for batch in batches), **keywords)
                for start in parts.starts()
            ]
        )


class ResBlockInParts(InParts, ResBlock):
    def __init__(self, layer: ResBlock, parts: FrameParts) -> None:
        self.hold(layer, parts)
        self.out_channels = layer.out_channels

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        return self.run(x, emb)


class TransformerInParts(InParts, SpatialTransformer):
    def __init__(self, layer: SpatialTransformer, parts: FrameParts) -> None:
        self.hold(layer, parts)

    def forward(
        self, x: Tensor, context: Any = None, transformer_options: dict[str, Any] | None = None
    ) -> Tensor:
        options, parts = transformer_options or {}, self.parts
        return parts.join(
            [
                self.layer(
                    parts.take(x, start), parts.take(context, start), parts.options(options, start)
                )
                for start in parts.starts()
            ]
        )


class UpsampleInParts(InParts, Upsample):
    def __init__(self, layer: Upsample, parts: FrameParts) -> None:
        self.hold(layer, parts)

    def forward(self, x: Tensor, output_shape: Any = None) -> Tensor:
        return self.run(x, output_shape=output_shape)


class PlainInParts(InParts):
    """A layer that is called with the feature map alone."""

    def __init__(self, layer: nn.Module, parts: FrameParts) -> None:
        self.hold(layer, parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x)


IN_PARTS: dict[type[nn.Module], Any] = {
    ResBlock: ResBlockInParts,
    SpatialTransformer: TransformerInParts,
    Upsample: UpsampleInParts,
    Downsample: PlainInParts,
    nn.Sequential: PlainInParts,  # the UNet's last norm and convolution
}


def spatial_layers(unet: UNetModel) -> list[tuple[nn.Module, str, nn.Module]]:
    """(parent, key, layer) of every spatial layer that is not in parts already."""
    layers = [
        (sequence, key, layer)
        for sequence in sequences(unet)
        for key, layer in sequence.named_children()
    ]
    return [entry for entry in (*layers, (unet, "out", unet.out)) if type(entry[2]) in IN_PARTS]


def in_parts(layer: nn.Module, parts: FrameParts) -> nn.Module:
    """`layer` behind a stand-in that runs it over the frames in parts."""
    return IN_PARTS[type(layer)](layer, parts)


def behind_parts(layer: nn.Module) -> nn.Module:
    """The layer itself where a stand-in holds it."""
    return layer.layer if isinstance(layer, InParts) else layer
