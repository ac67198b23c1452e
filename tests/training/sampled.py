"""The noise that sampling predicts: ComfyUI's `apply_model` with the pack's wrappers, which
training is compared with."""

from __future__ import annotations

from typing import Any

import comfy.model_management
import torch
from comfy.ldm.modules.attention import attention_pytorch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

STEPS = (900, 640)
"""Timesteps of two clips."""


def noisy_clips(seed: int = 5, clips: int = 2, frames: int = 4, side: int = 8) -> Tensor:
    """b f 4 h w, of unit variance, as x_t is; every frame its own"""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((clips, frames, 4, side, side), generator=generator)


def predicted_noise(
    model: ModelPatcher,
    noisy: Tensor,
    t: Tensor,
    text: Tensor,
    vector: Tensor | None = None,
    **more: Any,
) -> Tensor:
    """As a sampler would have it for clips x_t, b f 4 h w, at steps t.   text: b t c; vector: b y;
    more: transformer_options

    What surrounds the UNet is float64, so that nothing is lost between clean frames and noise, and
    attention runs in torch's kernel, as in training: kernels differ in the last bits.
    """
    frames = noisy.shape[1]
    memory = comfy.model_management
    memory.load_models_gpu([model, *model.get_nested_additional_models()])
    model.pre_run()
    try:
        sampling: Any = model.get_model_object("model_sampling")
        sigma = sampling.sigmas.double()[t].repeat_interleave(frames)
        spread = sigma.view(-1, 1, 1, 1)
        x = noisy.double().flatten(0, 1) * (1 + spread**2).sqrt()
        options: dict[str, Any] = {
            "wrappers": model.wrappers,
            "cond_or_uncond": [0] * len(t),
            "optimized_attention_override": lambda choice, *args, **kw: attention_pytorch(
                *args, **kw
            ),
            **more,
        }
        keywords = {} if vector is None else {"y": vector.repeat_interleave(frames, 0)}
        clean = model.model.apply_model(  # pyright: ignore
            x,
            sigma,
            c_crossattn=text.repeat_interleave(frames, 0),
            transformer_options=options,
            **keywords,
        )
    finally:
        model.cleanup()
    return ((x - clean) / spread).unflatten(0, (-1, frames)).detach()
