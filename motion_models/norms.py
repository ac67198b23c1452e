"""GroupNorms of the UNet that take their statistics over all frames of a video."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from torch import Tensor, nn

from .call import Call
from .modules import group_norm
from .placements import Placement
from .sites import resblocks, sequences, uncompiled
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
    modules do not."""
    for parent in call.run.keep(("parents of norms", unet), lambda: parents_of_norms(unet)):
        norm = parent._modules["0"]
        if norm is not None and not isinstance(norm, AcrossFramesNorm):
            yield Placement(parent, "0", AcrossFramesNorm(norm, call.videos))


def parents_of_norms(unet: UNetModel) -> list[nn.Module]:
    """The sequentials that begin with one of these norms."""
    blocks = [block for sequence in sequences(unet) for block in resblocks(sequence)]
    inner: list[Any] = [behind_parts(block) for block in blocks]
    parents = [part for block in inner for part in (block.in_layers, block.out_layers)]
    return [uncompiled(parent) for parent in (*parents, behind_parts(unet.out))]
