"""Tiny models of ComfyUI's and the pack's real classes, with live random weights, for tests on a
CPU."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import comfy.latent_formats
import comfy.model_management
import comfy.model_patcher
import comfy.ops
import comfy.sample
import comfy.sd
import comfy.sd1_clip
import comfy.sdxl_clip
import comfy.supported_models
import comfy.supported_models_base
import torch
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.load import build
from animatediff_kit.motion_models.specs import FAMILIES, MotionLayout, MotionSpec, expected_shapes
from animatediff_kit.small_world.unet_config import SDXL_BLOCKS, unet_config
from comfy.model_patcher import ModelPatcher
from torch import Tensor

CONTEXT = 32
WIDTHS = {"SD1.5": (32, 64, 128, 128), "SDXL": (32, 64, 128)}

UNETS = {"SD1.5": unet_config(32, CONTEXT), "SDXL": unet_config(32, CONTEXT, **SDXL_BLOCKS)}


class TinySD15(comfy.supported_models.SD15):
    unet_config = {"context_dim": CONTEXT, "model_channels": 32}


class TinySD20(comfy.supported_models.SD20):
    unet_config = {"context_dim": CONTEXT, "model_channels": 32}
    unet_extra_config = {"num_heads": -1, "num_head_channels": 16}


class TinySDXL(comfy.supported_models.SDXL):
    unet_config = {"context_dim": CONTEXT, "model_channels": 32}


CONFIGS = {"SD1.5": TinySD15, "SD2.x": TinySD20, "SDXL": TinySDXL}


def randomise(weights: dict[str, Tensor], seed: int) -> dict[str, Tensor]:
    """Live weights of the same shapes: matrices N(0, 1/fan_in), norms around 1, biases around 0."""
    generator = torch.Generator().manual_seed(seed)

    def live(key: str, weight: Tensor) -> Tensor:
        noise = torch.randn(weight.shape, generator=generator)
        if weight.ndim > 1:
            return noise * weight[0].numel() ** -0.5
        return 1 + 0.1 * noise if key.endswith("weight") else 0.1 * noise

    return {key: live(key, weight) for key, weight in weights.items()}


def image_model(
    base: str = "SD1.5", seed: int = 0, dtype: torch.dtype = torch.float32, in_channels: int = 4
) -> ModelPatcher:
    """A loaded checkpoint's MODEL at tiny width: `base` is "SD1.5", "SD2.x" or "SDXL". With 9
    channels it is an inpainting model."""
    unet = UNETS["SDXL" if base == "SDXL" else "SD1.5"]
    config = CONFIGS[base]({**unet, "in_channels": in_channels, "dtype": dtype})
    return loaded(config, seed, dtype)


def loaded(config: Any, seed: int = 0, dtype: torch.dtype = torch.float32) -> ModelPatcher:
    """The MODEL of a configuration, with live weights."""
    config.set_inference_dtype(dtype, None)
    model = config.get_model({}, "", device=torch.device("cpu"))
    weights = randomise(model.diffusion_model.state_dict(), seed)
    model.diffusion_model.load_state_dict({k: w.to(dtype) for k, w in weights.items()})
    patcher = getattr(comfy.model_patcher, "CoreModelPatcher", ModelPatcher)
    memory = comfy.model_management
    return patcher(model, memory.get_torch_device(), memory.unet_offload_device())


def motion_layout(family: str, widths: tuple[int, ...] | None = None) -> MotionLayout:
    spec = FAMILIES[family]
    return MotionLayout(widths or WIDTHS[spec.base], spec.mid_block)


def motion_weights(
    family: str, seed: int = 7, widths: tuple[int, ...] | None = None
) -> dict[str, Tensor]:
    """A live state dict in the authors' names, position tables left out."""
    shapes = expected_shapes(motion_layout(family, widths))
    return randomise({key: torch.empty(shape) for key, shape in shapes.items()}, seed)


def motion_patcher(family: str, seed: int = 7, positions: int | None = None) -> ModelPatcher:
    """A motion model of this family at tiny width, as the loader makes it."""
    known = FAMILIES[family]
    spec = MotionSpec(f"tiny_{family}", known, motion_layout(family), positions or known.positions)
    return build(spec, motion_weights(family, seed))


def motion_lora(family: str, seed: int, rank: int = 4) -> dict[str, Tensor]:
    """A MotionLoRA in the authors' spelling on every projection."""
    generator = torch.Generator().manual_seed(seed)
    attentions = "temporal_transformer.transformer_blocks.0.attention_blocks"
    lora: dict[str, Tensor] = {}
    for module, c in motion_layout(family).modules().items():
        for attention in (0, 1):
            for layer in ("to_q", "to_k", "to_v", "to_out"):
                key = f"{module}.{attentions}.{attention}.processor.{layer}_lora"
                down, up = (torch.randn((rank, c), generator=generator) for _ in range(2))
                lora[f"{key}.down.weight"] = down * c**-0.5
                lora[f"{key}.up.weight"] = 0.5 * up.T.contiguous()
    return lora


def prompt(seed: int, tokens: int = 7, base: str = "SD1.5") -> list[Any]:
    """A CONDITIONING of random tokens."""
    generator = torch.Generator().manual_seed(seed)
    extra: dict[str, Any] = {}
    if base == "SDXL":
        extra["pooled_output"] = torch.randn((1, 1280), generator=generator)
    return [[torch.randn((1, tokens, CONTEXT), generator=generator), extra]]


def sample(model: ModelPatcher, frames: int = 4, base: str = "SD1.5", **overrides: Any) -> Tensor:
    """Two Euler steps of ComfyUI's own sampler; every frame starts from its own noise.   ->
    f 4 8 8"""
    call: dict[str, Any] = dict(steps=2, cfg=3.0, sampler_name="euler", scheduler="normal", seed=1)
    call.update(positive=prompt(11, base=base), negative=prompt(12, base=base))
    call.update(overrides)
    noise = torch.randn((frames, 4, 8, 8), generator=torch.Generator().manual_seed(call["seed"]))
    with torch.inference_mode():
        latent = torch.zeros_like(noise)
        return comfy.sample.sample(model, noise, latent_image=latent, disable_pbar=True, **call)


TEXT_ENCODERS = {
    "SD1.5": (comfy.sd1_clip.SD1Tokenizer, comfy.sd1_clip.SD1ClipModel),
    "SDXL": (comfy.sdxl_clip.SDXLTokenizer, comfy.sdxl_clip.SDXLClipModel),
}


def text_encoder(base: str = "SD1.5", seed: int = 0) -> comfy.sd.CLIP:
    """A loaded checkpoint's CLIP of three narrow layers, with its real tokenizer."""
    narrow = dict(num_hidden_layers=3, hidden_size=CONTEXT, intermediate_size=64)
    narrow.update(num_attention_heads=4, projection_dim=CONTEXT)
    target = comfy.supported_models_base.ClipTarget(*TEXT_ENCODERS[base])
    options = {"clip_l_model_config": narrow, "clip_g_model_config": narrow}
    clip = comfy.sd.CLIP(target, model_options={**options, "dtype": torch.float32})
    weights = clip.cond_stage_model.state_dict()
    clip.cond_stage_model.load_state_dict(randomise(weights, seed))
    return clip


def call(x: Tensor, frames: int, **settings: Any) -> Call:
    """The call of a motion module with x: (b f) c h w outside of sampling."""
    return replace(Call.alone(x.shape[0] // frames, frames), **settings)
