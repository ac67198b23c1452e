"""Motion models that begin from a picture: what PIA and AnimateLCM-I2V have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..model import motion_model
from ..specs import Family
from .pictures import encoded

PIA = Family("PIA", "SD1.5", False, 32, "across_frames", "per_frame", "AnimateDiff", 16)
"""example/config/base.yaml of open-mmlab/PIA: no middle module, 32 positions; its ResBlocks have
norms over all frames."""

IMAGE_TO_VIDEO = Family(
    "AnimateLCM-I2V", "SD1.5", True, 64, "per_frame", "per_frame", "AnimateLCM-I2V", 16
)
"""configs/inference-i2v.yaml of G-U-N/AnimateLCM."""

NODES = {PIA: "Apply PIA", IMAGE_TO_VIDEO: "Apply Image to Video"}
"""Display names of the nodes that give them their picture."""


def check_needs_no_image(motion: ModelPatcher) -> None:
    """Raise ValueError for a motion model that is nothing without a picture."""
    spec = motion_model(motion).spec
    if spec.family in NODES:
        raise ValueError(
            f"{spec.name} is a model of {spec.family.name}, which begins from a picture. Connect "
            f"it to {NODES[spec.family]}."
        )


def check_family(motion: ModelPatcher, family: Family) -> None:
    """Raise ValueError unless the motion model is of this family."""
    spec = motion_model(motion).spec
    if spec.family != family:
        other = NODES.get(spec.family, "Apply Motion Model")
        raise ValueError(
            f"{spec.name} is no model of {family.name} but of family {spec.family.name}. Connect "
            f"it to {other}."
        )


def check_picture(image: Tensor) -> Tensor:
    """One picture, n h w c in 0..1 -> 1 3 h w. Raises ValueError for more than one."""
    if len(image) != 1:
        raise ValueError(
            f"{len(image)} pictures are given, but the video begins from one. Choose one with "
            "Get Image from Batch."
        )
    return image[..., :3].movedim(-1, 1)


def picture_latent(options: Mapping[str, Any], key: str) -> Tensor:
    """What PictureLatent has put there, 1 4 h w. Raises ValueError outside of a sampling run."""
    if key not in options:
        raise ValueError(
            "The model was called outside of a sampling run, so the picture that it begins from is "
            "not encoded. Sample it with a sampler node, or apply a motion model without a picture."
        )
    return options[key]


@dataclass(frozen=True)
class PictureLatent:
    """OUTER_SAMPLE wrapper: the picture as a latent of the video's size, in transformer_options
    while a run lasts. It is encoded before ComfyUI loads the models that sample.

    key: its name there; picture: 1 3 h w in 0..1
    """

    key: str
    picture: Tensor = field(compare=False)
    vae: Any = field(compare=False)

    def __call__(self, executor: Any, noise: Tensor, *args: Any, **kwargs: Any) -> Any:
        """noise: f 4 h w"""
        guider = executor.class_obj
        options = guider.model_options.setdefault("transformer_options", {})
        latent = encoded(self.vae, self.picture, *noise.shape[-2:])
        options[self.key] = guider.model_patcher.model.process_latent_in(latent)
        try:
            return executor(noise, *args, **kwargs)
        finally:
            del options[self.key]
