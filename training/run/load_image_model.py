"""The image model of a run from the command line, with what its file merges into it."""

from __future__ import annotations

from typing import Any

import comfy.sd
from comfy.model_patcher import ModelPatcher

from ...motion_models.domain_adapter import apply_domain_adapter
from ...motion_models.read import read_finite
from .run_config import RunConfig


def load_model(config: RunConfig, encoders: bool = False) -> tuple[ModelPatcher, Any, Any]:
    """The image model with the LoRAs and the adapter on, and its text encoder and VAE or None."""
    table = config.model
    loaded: Any = comfy.sd.load_checkpoint_guess_config(
        str(table.checkpoint), output_vae=encoders, output_clip=encoders
    )
    model, clip, vae = loaded[:3]
    for lora in table.loras:
        tensors = read_finite(str(lora.file))
        pair: Any = comfy.sd.load_lora_for_models(
            model, clip, tensors, lora.strength, lora.strength
        )
        if patches(pair[0]) == patches(model):
            raise ValueError(
                f"[model] loras: {lora.file.name} changes no layer of the image model."
            )
        model, clip = pair
    if table.domain_adapter is not None:
        tensors = read_finite(str(table.domain_adapter))
        name = table.domain_adapter.name
        model = apply_domain_adapter(model, tensors, table.domain_adapter_scale, name)
    return model, clip, vae


def patches(model: ModelPatcher) -> int:
    return sum(map(len, model.patches.values()))
