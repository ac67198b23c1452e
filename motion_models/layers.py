"""The layers that stand in the UNet while it runs: placed for one model call, taken out in
`finally`.

Between calls the UNet is the plain one that saving, LoRA keys, torch.compile and other packs
expect. Everything a layer knows is given to it when it is made for the call; nothing is kept on the
motion model or on the UNet.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from torch import Tensor, nn

from .modules import MotionModel, MotionModule, group_norm
from .sites import Site, resblocks, sequences, uncompiled, unet_sites
from .specs import MotionSpec
from .views.frame_parts import FrameParts
from .views.pixel_parts import animate
from .views.spatial_parts import behind_parts
from .views.windows import OPTION as VIEWS
from .views.windows import Views

Placed = list[tuple[nn.Module, str, nn.Module | None]]
"""What stands in the UNet for the call: (parent, key, the layer that was there before, if any)."""


@dataclass(frozen=True)
class MotionSettings:
    """How a motion model is applied.

    strength: multiplies the modules' residual; 0 gives still images.
    motion_scale: multiplies the keys of the temporal attention.
    start_percent, end_percent: the part of sampling, 0 to 1, in which it is active.
    """

    strength: float = 1.0
    motion_scale: float = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0

    def check(self) -> None:
        """Raise ValueError for a range that is empty or outside 0 to 1."""
        if not 0.0 <= self.start_percent < self.end_percent <= 1.0:
            raise ValueError(
                f"The motion model's range runs from {self.start_percent:g} to "
                f"{self.end_percent:g} of sampling; start_percent must be below end_percent, both "
                "between 0 and 1."
            )


class MotionLayer(nn.Module):
    """A motion module in its place in the UNet, for one call.   x: (b f) c h w -> (b f) c h w

    parts: how a call of views is cut; None for any other.
    """

    def __init__(
        self,
        module: MotionModule,
        frames: int,
        settings: MotionSettings,
        options: dict[str, Any],
        parts: FrameParts | None,
    ) -> None:
        super().__init__()
        self.module = module
        self.frames = frames
        self.settings = settings
        self.options = options
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        s = self.settings
        if self.parts is None:
            return self.module(x, self.frames, s.strength, s.motion_scale, self.options)
        views = self.options[VIEWS]
        return animate(self.module, x, self.parts, views, s.strength, s.motion_scale, self.options)


class AcrossFramesNorm(nn.Module):
    """Stands before one of the UNet's GroupNorms for one call: statistics over all frames of a
    video that the layer is given."""

    def __init__(self, norm: nn.Module, videos: int) -> None:
        super().__init__()
        self.norm = norm
        self.videos = videos

    def forward(self, x: Tensor) -> Tensor:
        return group_norm(self.norm, x, x.shape[0] // self.videos, "across_frames")


def check_frames(spec: MotionSpec, frames: int, windows: bool = False) -> None:
    """Raise ValueError when one pass holds more frames than the position table has rows."""
    if frames <= spec.positions:
        return
    remedy = f"Set the context window's length to {spec.positions} or less."
    if not windows:
        remedy = (
            f"Connect Slide Context Windows (length {min(16, spec.positions)}), or lower the "
            f"number of frames (batch_size in Empty Latent Image) to {spec.positions}."
        )
    raise ValueError(
        f"{frames} frames exceed the {spec.positions} positions that {spec.name} has. {remedy}"
    )


@contextmanager
def motion_layers(
    key: str,
    unet: UNetModel,
    motion: MotionModel,
    videos: int,
    frames: int,
    settings: MotionSettings,
    options: dict[str, Any],
    parts: FrameParts | None = None,
) -> Iterator[None]:
    """The UNet with `motion` in it; as it was before, afterwards. A call holds `videos` (one for
    each cond) of `frames` frames; a call of views is cut into `parts`."""
    views: Views | None = options.get(VIEWS)
    windows = views is not None or "context_window" in options
    check_frames(motion.spec, views.length if views else frames, windows)
    placed: Placed = []
    try:
        sites = unet_sites(unet)
        for name in motion.spec.layout.modules():
            place(
                key,
                sites[name],
                MotionLayer(motion.module(name), frames, settings, options, parts),
                placed,
            )
        if motion.spec.family.resnet_norm == "across_frames":
            join_frames_in_norms(unet, videos, placed)
        yield
    finally:
        for parent, name, original in reversed(placed):
            if original is None:
                del parent._modules[name]
            else:
                parent._modules[name] = original


def place(key: str, site: Site, layer: MotionLayer, placed: Placed) -> None:
    """Set `layer` behind the site's anchor and behind the motion layers that already stand there.

    The key is no number, so none of the sequence's own keys move; `forward_timestep_embed` calls a
    layer that it does not know as `layer(x)`.
    """
    children = list(site.sequence._modules.items())
    index = next(i for i, (_, child) in enumerate(children) if child is site.anchor) + 1
    while index < len(children) and isinstance(children[index][1], MotionLayer):
        index += 1
    children.insert(index, (key, layer))
    placed.append((site.sequence, key, None))
    site.sequence._modules.clear()
    site.sequence._modules.update(children)


def join_frames_in_norms(unet: UNetModel, videos: int, placed: Placed) -> None:
    """The authors' `use_inflated_groupnorm: false` (v1, HotshotXL): the ResBlocks' norms and the
    UNet's last norm see all frames of a video together; those of spatial transformers and motion
    modules do not."""
    blocks = [block for sequence in sequences(unet) for block in resblocks(sequence)]
    inner: list[Any] = [behind_parts(block) for block in blocks]
    parents: list[Any] = [part for block in inner for part in (block.in_layers, block.out_layers)]
    for parent in (*parents, behind_parts(unet.out)):
        parent = uncompiled(parent)
        norm = parent._modules["0"]
        if norm is not None and not isinstance(norm, AcrossFramesNorm):
            placed.append((parent, "0", norm))
            parent._modules["0"] = AcrossFramesNorm(norm, videos)
