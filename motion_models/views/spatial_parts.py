"""Stand-ins that run the UNet's spatial layers over the frames of a long video in parts.

They stand in the UNet for one call of views. What goes from layer to layer is kept at the parts'
home, so that the device holds no more than one part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from comfy.ldm.modules.attention import SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import Downsample, ResBlock, UNetModel, Upsample
from torch import Tensor, nn

from ..placements import Placement
from ..sites import sequences
from .frame_parts import FrameParts


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
        return parts.run(
            lambda start: self.layer(*(parts.take(batch, start) for batch in batches), **keywords)
        )


class ResBlockInParts(InParts, ResBlock):
    def __init__(self, layer: ResBlock, parts: FrameParts) -> None:
        self.hold(layer, parts)
        self.out_channels = layer.out_channels

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        return self.run(x, emb)


class TransformerInParts(InParts, SpatialTransformer):
    """text: that of all frames where it is kept at home, (b f) t c; else each call brings it."""

    text: Tensor | None = None

    def __init__(self, layer: SpatialTransformer, parts: FrameParts) -> None:
        self.hold(layer, parts)

    def forward(
        self, x: Tensor, context: Any = None, transformer_options: dict[str, Any] | None = None
    ) -> Tensor:
        options, parts = transformer_options or {}, self.parts

        def compute(start: int) -> Tensor:
            text = parts.take(context if self.text is None else self.text, start)
            if self.text is not None:
                text = text.to(context.dtype)
            return self.layer(parts.take(x, start), text, parts.options(options, start))

        return parts.run(compute)


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


class LastInParts(PlainInParts):
    """The UNet's last norm and convolution: their result goes back to the device."""

    def __init__(self, layer: nn.Module, parts: FrameParts) -> None:
        self.hold(layer, replace(parts, home=parts.device))


IN_PARTS: dict[type[nn.Module], Any] = {
    ResBlock: ResBlockInParts,
    SpatialTransformer: TransformerInParts,
    Upsample: UpsampleInParts,
    Downsample: PlainInParts,
    nn.Sequential: LastInParts,
}


def stand_in(layer: nn.Module) -> Any:
    """The class that stands in for a layer; None where there is none."""
    return PlainInParts if isinstance(layer, nn.Conv2d) else IN_PARTS.get(type(layer))


def spatial_layers(unet: UNetModel) -> list[tuple[nn.Module, str, nn.Module]]:
    """(parent, key, layer) of every layer of the UNet that is called with a feature map."""
    layers = [
        (sequence, key, layer)
        for sequence in sequences(unet)
        for key, layer in sequence.named_children()
    ]
    return [*layers, (unet, "out", unet.out)]


def in_parts(layer: nn.Module, parts: FrameParts) -> nn.Module:
    """`layer` behind a stand-in that runs it over the frames in parts."""
    return stand_in(layer)(layer, parts)


def behind_parts(layer: nn.Module) -> nn.Module:
    """The layer itself where a stand-in holds it."""
    return layer.layer if isinstance(layer, InParts) else layer


def spatial_placements(
    unet: UNetModel, parts: FrameParts, text: Tensor | None
) -> Iterator[Placement]:
    """The spatial layers see the frames in parts, each frame once.   text: see
    TransformerInParts"""
    for parent, key, layer in spatial_layers(unet):
        if stand_in(layer) is None:
            continue
        stands_in = in_parts(layer, parts)
        if isinstance(stands_in, TransformerInParts):
            stands_in.text = text
        yield Placement(parent, key, stands_in)
