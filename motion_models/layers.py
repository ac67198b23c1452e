"""The motion layers that stand in the UNet while it runs, and how they are applied.

Everything a layer knows is given to it when it is made for the call; nothing is kept on the motion
model or on the UNet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from torch import Tensor

from .call import Call
from .fast.forward import forward
from .fast.trial import steps_for
from .model import MotionModel
from .modules import MotionModule
from .norms import norms_across_frames
from .placements import Added, Placement
from .sites import Site, unet_sites
from .sound import check_number
from .specs import NORM_CHOICES, MotionSpec
from .strength import Strength
from .views.pixel_parts import in_views


@dataclass(frozen=True)
class MotionSettings:
    """How a motion model is applied.

    strength: multiplies the modules' residual; 0 gives still images.
    motion_scale: multiplies the keys of the temporal attention. Both are a number, or values over
    frames, steps and pixels (strength.py).
    start_percent, end_percent: the part of sampling, 0 to 1, in which it is active.
    norms: which GroupNorms see all frames of a video at once, a name in NORM_CHOICES (specs.py).
    through_end: whether a step that begins exactly at the end is within the part.
    """

    strength: Strength = 1.0
    motion_scale: Strength = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0
    norms: str = "automatic"
    through_end: bool = False

    def check(self) -> None:
        """Raise ValueError for a range that is empty or outside 0 to 1, for numbers that are none,
        and for an unknown rule."""
        check_number("The motion model's strength", self.strength)
        check_number("The motion model's motion_scale", self.motion_scale)
        if self.norms not in NORM_CHOICES:
            choices = ", ".join(NORM_CHOICES)
            raise ValueError(f"{self.norms!r} is no rule for norms; choose one of {choices}.")
        if not 0.0 <= self.start_percent < self.end_percent <= 1.0:
            raise ValueError(
                f"The motion model's range runs from {self.start_percent:g} to "
                f"{self.end_percent:g} of sampling; start_percent must be below end_percent, both "
                "between 0 and 1."
            )


class MotionLayer(Added):
    """A motion module in its place in the UNet, for one call.   x: (b f) c h w -> (b f) c h w

    This is where the arithmetic is chosen: the fast order (fast) for what it knows, else the
    reference's (modules.py), whole or in the parts of views.
    """

    def __init__(self, module: MotionModule, call: Call) -> None:
        super().__init__()
        self.module = module
        self.call = call

    def forward(self, x: Tensor) -> Tensor:
        if self.call.parts is not None:
            return in_views(self.module.temporal_transformer, x, self.call)
        steps = steps_for(self.module, x, self.call)
        if steps is None:
            return self.module(x, self.call)
        return forward(self.module, x, self.call, steps)


def check_frames(spec: MotionSpec, frames: int, windows: bool = False) -> None:
    """Raise ValueError when one pass holds more frames than the position table has rows."""
    if frames <= spec.positions:
        return
    remedy = f"Set the context window's length to {spec.positions} or less, or its view_length."
    if not windows:
        remedy = (
            f"Set context_length of Animate Model to {min(16, spec.positions)}, connect Slide "
            f"Context Windows with this length, or lower the number of frames (batch_size in "
            f"Empty Latent Image) to {spec.positions}."
        )
    raise ValueError(
        f"{frames} frames exceed the {spec.positions} positions that {spec.name} has. {remedy}"
    )


def motion_placements(
    key: str, unet: UNetModel, motion: MotionModel, call: Call
) -> Iterator[Placement]:
    """The layers that `motion` puts into the UNet for a call. `key` is their name in it."""
    sites: dict[str, Site] = call.run.keep(("sites", unet), lambda: unet_sites(unet))
    for name in motion.spec.layout.modules():
        site, layer = sites[name], MotionLayer(motion.module(name), call)
        yield Placement(site.sequence, key, layer, behind=site.anchor)
    resnets = {"automatic": motion.spec.family.resnet_norm}.get(call.norms, call.norms)
    if resnets != "per_frame":
        yield from norms_across_frames(unet, call)
