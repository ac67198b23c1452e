"""GroupNorms of the UNet that take their statistics over all frames of a video."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comfy.ldm.modules.attention import SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from torch import Tensor, nn

from .call import Call
from .modules import group_norm
from .placements import Placement
from .sites import resblocks, sequences, uncompiled
from .specs import EVERYWHERE
from .views.spatial_parts import behind_parts


class AcrossFramesNorm(nn.Module):
    """Stands before one of the UNet's GroupNorms for one call: statistics over all frames of a
    video that the layer is given."""

    def __init__(self, norm: nn.Module, videos: int) -> None:
        super().__init__()
        self.norm = norm
        self.videos = videos

    def forward(self, x: Tensor) -> Tensor:
        return group_norm(self.norm, x, x.shape[0] // self.videos, "across_frames")


def norms_across_frames(unet: UNetModel, call: Call) -> Iterator[Placement]:
    """The authors' `use_inflated_groupnorm: false` (v1, HotshotXL): the ResBlocks' norms and the
    UNet's last norm see all frames of a video together; those of spatial transformers and motion
    modules do not, unless the call asks for every norm."""
    places = call.run.keep(("parents of norms", unet), lambda: places_of_norms(unet))
    if call.norms == EVERYWHERE:
        places = [*places, *((layer, "norm") for layer in transformers(unet))]
    for parent, key in places:
        norm = parent._modules[key]
        if norm is not None and not isinstance(norm, AcrossFramesNorm):
            yield Placement(parent, key, across_frames(norm, call))


def across_frames(norm: nn.Module, call: Call) -> AcrossFramesNorm:
    """Kept for the run: making all 45 of them takes a millisecond, in each call."""
    videos = call.videos
    return call.run.keep(("across frames", norm, videos), lambda: AcrossFramesNorm(norm, videos))


def places_of_norms(unet: UNetModel) -> list[tuple[nn.Module, str]]:
    """The sequentials that begin with one of these norms, and its name there."""
    blocks = [block for sequence in sequences(unet) for block in resblocks(sequence)]
    inner: list[Any] = [behind_parts(block) for block in blocks]
    parents = [part for block in inner for part in (block.in_layers, block.out_layers)]
    return [(uncompiled(parent), "0") for parent in (*parents, behind_parts(unet.out))]


def transformers(unet: UNetModel) -> list[nn.Module]:
    """The spatial transformers of the UNet."""
    layers = [uncompiled(layer) for sequence in sequences(unet) for layer in sequence.children()]
    return [behind_parts(layer) for layer in layers if isinstance(layer, SpatialTransformer)]
