"""Where motion modules stand in ComfyUI's UNetModel.

The authors put one after the spatial layers of every layer of every block (unet_blocks.py):
ResBlock -> spatial transformer, if the layer has one -> motion module -> skip connection ->
Downsample or Upsample. ComfyUI flattens the blocks into lists of sequentials:

    down_blocks.i.motion_modules.j   input_blocks with a ResBlock; a Downsample starts level i + 1
    mid_block.motion_modules.0       middle_block, before its last ResBlock
    up_blocks.i.motion_modules.j     output_blocks, before the Upsample that ends level i
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from comfy.ldm.modules.attention import SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock, UNetModel, Upsample
from torch import nn


@dataclass(frozen=True)
class Site:
    """A place for motion modules: in `sequence`, right behind its child of the name `anchor`; the
    map there has `channels`."""

    sequence: nn.Module
    anchor: str
    channels: int


def uncompiled(module: Any) -> nn.Module:
    """The module itself where a per-block torch.compile has wrapped it."""
    return getattr(module, "_orig_mod", module)


def sequences(unet: UNetModel) -> Iterator[nn.Module]:
    """Every sequential of the UNet, first to last."""
    for block in (*unet.input_blocks, unet.middle_block, *unet.output_blocks):
        if block is not None:
            yield uncompiled(block)


def resblocks(sequence: nn.Module) -> list[ResBlock]:
    return [layer for layer in sequence.children() if isinstance(layer, ResBlock)]


def names_of(sequence: nn.Module, kind: type[nn.Module]) -> list[str]:
    return [name for name, layer in sequence.named_children() if isinstance(layer, kind)]


def site_in(sequence: nn.Module, anchors: Sequence[str]) -> Site:
    return Site(sequence, anchors[-1], resblocks(sequence)[-1].out_channels)


def block_site(sequence: nn.Module) -> Site:
    """Behind the last spatial transformer of the sequence, else behind its ResBlock."""
    transformers = names_of(sequence, SpatialTransformer)
    return site_in(sequence, transformers or names_of(sequence, ResBlock))


def down_sites(unet: UNetModel) -> Iterator[tuple[str, Site]]:
    level = layer = 0
    for block in list(unet.input_blocks)[1:]:
        sequence = uncompiled(block)
        if not resblocks(sequence):
            level, layer = level + 1, 0
            continue
        yield f"down_blocks.{level}.motion_modules.{layer}", block_site(sequence)
        layer += 1


def up_sites(unet: UNetModel) -> Iterator[tuple[str, Site]]:
    level = layer = 0
    for block in unet.output_blocks:
        sequence = uncompiled(block)
        yield f"up_blocks.{level}.motion_modules.{layer}", block_site(sequence)
        layer += 1
        if any(isinstance(child, Upsample) for child in sequence.children()):
            level, layer = level + 1, 0


def mid_sites(unet: UNetModel) -> Iterator[tuple[str, Site]]:
    if unet.middle_block is None:
        return
    sequence = uncompiled(unet.middle_block)
    before_last = [name for name, _ in sequence.named_children()][:-1]
    if before_last:
        yield "mid_block.motion_modules.0", site_in(sequence, before_last)


def unet_sites(unet: UNetModel) -> dict[str, Site]:
    """Every place for a motion module in the UNet, by the module's name in the authors' grammar."""
    return dict((*down_sites(unet), *mid_sites(unet), *up_sites(unet)))
