"""Does this motion model belong in this checkpoint's UNet? Answered before anything is changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

from .sites import uncompiled, unet_sites
from .specs import MotionLayout, MotionSpec

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

log = logging.getLogger(__name__)

BASES = {
    # ComfyUI's class of the checkpoint's configuration, or of one it derives from -> what people
    # call it
    "SDXLRefiner": "the SDXL refiner",
    "SDXL": "SDXL",
    "SD20": "SD2.x",
    "SD_X4Upscaler": "the SD x4 upscaler",
    "SVD_img2vid": "Stable Video Diffusion",
    "SV3D_u": "SV3D",
    "Stable_Zero123": "Stable Zero123",
    "SD15": "SD1.5",
}

CHECKPOINTS = {"SD1.5": "an SD1.5 checkpoint", "SDXL": "an SDXL checkpoint"}
MOTION_MODELS = {
    "SD1.5": "an SD1.5 motion model (mm_sd_v15, mm_sd_v15_v2, v3_sd15_mm)",
    "SDXL": "an SDXL motion model (mm_sdxl_v10_beta, hsxl_temporal_layers)",
}


def base_of(model: Any) -> str:
    """What the checkpoint behind a BaseModel is called: "SD1.5", "SDXL", "Flux"..."""
    config = type(getattr(model, "model_config", model))
    names = (BASES.get(parent.__name__) for parent in config.__mro__)
    return next((name for name in names if name), config.__name__)


def unet_layout(channels: dict[str, int]) -> MotionLayout:
    """The layout of a motion model that would fill these sites (name -> channels)."""
    down = {name: c for name, c in channels.items() if name.startswith("down_blocks.")}
    first = {name.split(".")[1]: c for name, c in down.items()}
    layers = sum(name.startswith("down_blocks.0.") for name in down)
    return MotionLayout(tuple(first.values()), "mid_block.motion_modules.0" in channels, layers)


def check_fits(spec: MotionSpec, model: ModelPatcher) -> None:
    """Raise ValueError unless the motion model's modules fit the UNet; warn where only the
    training differs."""
    base_model: Any = model.model
    base = base_of(base_model)
    unet = uncompiled(base_model.diffusion_model)
    trained = spec.family.base
    if not isinstance(unet, UNetModel):
        raise ValueError(
            f"{spec.name} moves the layers of a Stable Diffusion UNet, but this model is {base}, "
            f"which has none. Load {CHECKPOINTS[trained]}."
        )
    if base_model.model_config.unet_config.get("use_temporal_resblock"):
        raise ValueError(
            f"{spec.name} cannot be put into {base}, which has temporal layers of its own. "
            f"Load {CHECKPOINTS[trained]}."
        )
    check_widths(spec, {name: site.channels for name, site in unet_sites(unet).items()}, base)
    if base != trained and base in BASES.values():
        log.warning("%s was trained for %s; this checkpoint is %s.", spec.name, trained, base)


def check_widths(spec: MotionSpec, channels: dict[str, int], base: str) -> None:
    """Raise ValueError unless each module meets a site of its width, and each site but the
    middle a module."""
    wanted = spec.layout.modules()
    places = {
        name: c
        for name, c in channels.items()
        if name in wanted or name != "mid_block.motion_modules.0"
    }
    if wanted == places:
        return
    if base in MOTION_MODELS and base != spec.family.base:
        raise ValueError(
            f"{spec.name} is an {spec.family.base} motion model, but the checkpoint is {base}. "
            f"Load {CHECKPOINTS[spec.family.base]}, or {MOTION_MODELS[base]}."
        )
    raise ValueError(
        f"{spec.name} has {spec.layout}, but this UNet ({base}) has {unet_layout(channels)}. "
        "Load a checkpoint and a motion model that were made for each other."
    )
