"""PIA into the UNet: the motion model, and mask and picture added behind the first convolution.

A convolution of 9 channels is the sum of one of 4 and one of 5. So the checkpoint's own stays in
its place, with its LoRAs and whatever else it takes, and PIA's part is added to what it gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor, nn

from ...call import Call
from ...inject import applied_keys, apply_motion_model, running_call
from ...layers import MotionSettings
from ...placements import Added, Placement, placed
from ...sites import uncompiled
from ...strength import Strength, values_at
from ..image_models import PIA, PictureLatent, check_family, check_picture, picture_latent


def apply_pia(
    model: ModelPatcher,
    motion: ModelPatcher,
    image: Tensor,
    vae: Any,
    affinity: Strength,
    settings: MotionSettings | None = None,
) -> ModelPatcher:
    """A clone of `model` that animates a picture.   image: 1 h w c in 0..1

    `affinity` gives each frame's likeness to the picture (affinity.py). Raises ValueError for a
    motion model that is none of PIA's, more than one picture, and what apply_motion_model refuses.
    """
    check_family(motion, PIA)
    picture = check_picture(image)
    animated = apply_motion_model(model, motion, settings)
    keys = applied_keys(animated)
    if len(keys) == len(applied_keys(model)):
        return animated  # at strength 0
    key = f"{keys[-1]}_picture"
    latent = PictureLatent(key, picture, vae)
    animated.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, key, latent)
    injection = PictureInjection(key, keys[-1], affinity)
    animated.add_wrapper_with_key(WrappersMP.APPLY_MODEL, key, injection)
    return animated


class PictureInput(Added):
    """Adds what the convolution makes of mask and picture.   x: (b f) c h w -> the same

    latent: 1 4 h w
    """

    def __init__(
        self, convolution: nn.Module, latent: Tensor, affinity: Strength, call: Call
    ) -> None:
        super().__init__()
        self.convolution, self.latent = convolution, latent
        self.affinity, self.call = affinity, call

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-2:] != self.latent.shape[-2:]:
            raise ValueError(
                f"PIA's picture is {list(self.latent.shape[-2:])} latent pixels in size, but a "
                f"part of {list(x.shape[-2:])} was sampled by itself. Remove the area from the "
                "prompt, or the node that samples in tiles."
            )
        mask = values_at(self.affinity, self.call, x)
        if not isinstance(mask, Tensor):
            mask = x.new_full((len(x), 1, 1, 1), mask)
        parts = self.call.parts
        if parts is None:
            return self.add(x, mask)
        return parts.run(lambda start: self.add(parts.take(x, start), parts.take(mask, start)))

    def add(self, x: Tensor, mask: Tensor) -> Tensor:
        n, _, h, w = x.shape
        picture = self.latent.to(x).expand(n, -1, -1, -1)
        return x + self.convolution(torch.cat([mask.expand(n, 1, h, w), picture], dim=1))


@dataclass(frozen=True)
class PictureInjection:
    """APPLY_MODEL wrapper: mask and picture are added while the UNet runs.

    key: of the picture's latent; motion_key: of the motion model that brings the convolution.
    """

    key: str
    motion_key: str
    affinity: Strength

    def __call__(
        self,
        executor: Any,
        x: Tensor,
        t: Tensor,
        c_concat: Tensor | None = None,
        c_crossattn: Tensor | None = None,
        control: Any = None,
        transformer_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """x: (b f) 4 h w;   t: (b f) sigmas"""
        base, options = executor.class_obj, transformer_options or {}
        call = running_call(base, x, t, options)
        unet: Any = uncompiled(base.diffusion_model)
        (patcher,) = base.current_patcher.get_additional_models_with_key(self.motion_key)
        layer = PictureInput(
            patcher.model.conv_in, picture_latent(options, self.key), self.affinity, call
        )
        first = uncompiled(unet.input_blocks[0])
        with placed([Placement(first, self.key, layer, behind="0")]):
            return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)
