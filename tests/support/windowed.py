"""Videos sampled in context windows, and what they are compared with.

Without a motion model no frame sees another, so windows must give what the whole batch gives.
"""

from __future__ import annotations

from typing import Any

import comfy.cldm.cldm
import comfy.model_management
import comfy.ops
import comfy.sample
import torch
from adk_tests.support import tiny
from adk_tests.support.calls import recorded as recorded
from animatediff_kit.sampling.apply_windows import apply_context_windows
from animatediff_kit.sampling.handler import NODE
from animatediff_kit.sampling.windows import WindowSettings
from comfy.controlnet import ControlNet
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from nodes import KSamplerAdvanced

FRAMES, LENGTH, OVERLAP = 7, 4, 1
"""Windows 0-3 and 3-6."""

ROUNDING = 1e-5
"""Largest difference in standard deviations that the size of a batch makes in float32."""


def windowed(
    model: ModelPatcher,
    length: int = LENGTH,
    overlap: int = OVERLAP,
    node: str = NODE,
    **more: Any,
) -> ModelPatcher:
    return apply_context_windows(model, WindowSettings(length, overlap, **more), node)


def noise_of(frames: int = FRAMES, seed: int = 1) -> Tensor:
    """Another noise in every frame.   -> f 4 8 8"""
    return torch.randn((frames, 4, 8, 8), generator=torch.Generator().manual_seed(seed))


def sample_noise(model: ModelPatcher, noise: Tensor, **overrides: Any) -> Tensor:
    """ComfyUI's sampler on this noise, two Euler steps unless told otherwise.   -> f 4 8 8"""
    call: dict[str, Any] = dict(steps=2, cfg=3.0, sampler_name="euler", scheduler="normal", seed=1)
    call.update(positive=tiny.prompt(11), negative=tiny.prompt(12), disable_pbar=True)
    call.update(latent_image=torch.zeros_like(noise))
    call.update(overrides)
    with torch.inference_mode():
        return comfy.sample.sample(model, noise, **call)


def advanced(model: ModelPatcher, *, noise: bool, start: int, end: int, latent: Any, **call: Any):
    """Core's KSamplerAdvanced for 4 steps."""
    call = dict(steps=4, cfg=3.0, sampler_name="euler", scheduler="normal", noise_seed=1) | call
    call.update(positive=tiny.prompt(11), negative=tiny.prompt(12), latent_image=latent)
    call.update(add_noise="enable" if noise else "disable", start_at_step=start, end_at_step=end)
    call.update(return_with_leftover_noise="enable" if end < 4 else "disable")
    with torch.inference_mode():
        return KSamplerAdvanced().sample(model, **call)[0]


def empty(frames: int = FRAMES) -> dict[str, Tensor]:
    return {"samples": torch.zeros((frames, 4, 8, 8))}


def frame_prompts(seed: int, frames: int = FRAMES, tokens: int = 7, base: str = "SD1.5"):
    """A CONDITIONING with an own prompt, and pooled prompt, for every frame."""
    prompts = [tiny.prompt(seed + i, tokens, base)[0] for i in range(frames)]
    extra = {key: torch.cat([more[key] for _, more in prompts]) for key in prompts[0][1]}
    return [[torch.cat([text for text, _ in prompts]), extra]]


def with_entries(conditioning: list[Any], **entries: Any) -> list[Any]:
    return [[text, {**extra, **entries}] for text, extra in conditioning]


def random(*shape: int, seed: int = 5) -> Tensor:
    """Numbers in 0..1, others in every frame."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def control_net(
    seed: int = 21, kind: type[ControlNet] = ControlNet, hint_channels: int = 3
) -> ControlNet:
    """A ControlNet for tiny SD1.5 models, its zero convolutions live. With 4 channels its hints
    come with a mask."""
    config = dict(tiny.UNETS["SD1.5"])
    for key in ("out_channels", "transformer_depth_output", "image_size"):
        config.pop(key)
    module = comfy.cldm.cldm.ControlNet(
        image_size=32,
        hint_channels=hint_channels,
        **config,
        dtype=torch.float32,
        device="cpu",
        operations=comfy.ops.disable_weight_init,
    )
    module.load_state_dict(tiny.randomise(module.state_dict(), seed))
    device = comfy.model_management.get_torch_device()
    return kind(module, load_device=device, concat_mask=hint_channels == 4)
