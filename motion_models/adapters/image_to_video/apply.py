"""AnimateLCM-I2V into the UNet: the motion model, and the picture's features before it.

unet_blocks.py of G-U-N/AnimateLCM adds the features of level i behind the spatial layers of its
second layer, before the motion module there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...call import Call
from ...inject import KEY, applied_keys, apply_motion_model, running_call
from ...layers import MotionSettings
from ...model import MotionModel
from ...placements import Added, Placement, placed
from ...sites import down_sites, uncompiled
from ...strength import Strength, add_scaled, values_at
from ..image_models import (
    IMAGE_TO_VIDEO,
    PictureLatent,
    check_family,
    check_picture,
    picture_latent,
)

SECOND = 1
"""The layer of a level that the features are added in."""


@dataclass(frozen=True)
class PictureSettings:
    """strength: of the picture's features; code: weight of the code that tells frames apart, 0.8
    as the authors have it. With less, frames keep closer to the picture and move less."""

    strength: Strength = 1.0
    code: float = 0.8


def apply_image_to_video(
    model: ModelPatcher,
    motion: ModelPatcher,
    image: Tensor,
    vae: Any,
    picture: PictureSettings | None = None,
    settings: MotionSettings | None = None,
) -> ModelPatcher:
    """A clone of `model` that animates a picture.   image: 1 h w c in 0..1

    Raises ValueError for a motion model that is none of AnimateLCM-I2V's, more than one picture,
    and what apply_motion_model refuses.
    """
    check_family(motion, IMAGE_TO_VIDEO)
    pixels = check_picture(image)
    motion_key = f"{KEY}_{len(applied_keys(model))}"
    key = f"{motion_key}_picture"
    seeing = model.clone()
    injection = FeatureInjection(key, motion_key, picture or PictureSettings())
    # before the motion model's own wrapper, so that the features stand before its layers
    seeing.add_wrapper_with_key(WrappersMP.APPLY_MODEL, key, injection)
    seeing.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, key, PictureLatent(key, pixels, vae))
    animated = apply_motion_model(seeing, motion, settings)
    if motion_key in applied_keys(animated):
        return animated
    return apply_motion_model(model, motion, settings)  # at strength 0


class PictureFeature(Added):
    """Adds the picture's feature of a level.   x: (b f) c h w -> the same

    feature: a map for each place of a window, p c h w
    """

    def __init__(self, feature: Tensor, strength: Strength, call: Call) -> None:
        super().__init__()
        self.feature, self.strength, self.call = feature, strength, call

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-2:] != self.feature.shape[-2:]:
            raise ValueError(
                f"The picture's feature is {list(self.feature.shape[-2:])} pixels in size, but a "
                f"part of {list(x.shape[-2:])} was sampled by itself. Remove the area from the "
                "prompt, or the node that samples in tiles."
            )
        values, parts = values_at(self.strength, self.call, x), self.call.parts
        if parts is None:
            return add_scaled(x, self.of(x), values)

        def add(start: int) -> Tensor:
            part = parts.take(x, start)
            return add_scaled(part, self.of(part), parts.take(values, start))

        return parts.run(add)

    def of(self, x: Tensor) -> Tensor:
        """The features of the frames of x, (b f) c h w."""
        frames = len(x) // self.call.videos
        return self.feature[:frames].to(x).repeat(self.call.videos, 1, 1, 1)


@dataclass(frozen=True)
class FeatureInjection:
    """APPLY_MODEL wrapper: the picture's features are added while the UNet runs.

    key: of the picture's latent; motion_key: of the motion model that brings the encoder.
    """

    key: str
    motion_key: str
    settings: PictureSettings

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
        (patcher,) = base.current_patcher.get_additional_models_with_key(self.motion_key)
        dtype = base.manual_cast_dtype or base.get_dtype()
        latent = picture_latent(options, self.key).to(x.device, dtype)
        features = self.features(patcher.model, latent, call)
        unet: Any = uncompiled(base.diffusion_model)
        with placed(self.placements(unet, features, call)):
            return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)

    def features(self, motion: MotionModel, latent: Tensor, call: Call) -> list[Tensor]:
        """Those of each level, made once a run for each length of a window: no step changes
        them."""
        places = call.frames if call.parts is None else min(call.frames, call.parts.length)
        encoder: Any = motion.img_encoder
        kept = ("picture features", self.key, places, latent.device, latent.dtype)
        return call.run.keep(kept, lambda: encoder(latent, places, self.settings.code))

    def placements(self, unet: Any, features: list[Tensor], call: Call) -> Iterator[Placement]:
        sites = dict(down_sites(unet))
        for level, feature in enumerate(features):
            site = sites[f"down_blocks.{level}.motion_modules.{SECOND}"]
            layer = PictureFeature(feature, self.settings.strength, call)
            yield Placement(site.sequence, self.key, layer, behind=site.anchor)
