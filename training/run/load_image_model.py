"""The image model of a run from the command line, with what its file merges into it."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import comfy.sd
from comfy.model_patcher import ModelPatcher
from safetensors import SafetensorError

from ...motion_models.domain_adapter import apply_domain_adapter
from ...motion_models.read import read_finite
from .errors_in_words import memory_is_full
from .run_config import RunConfig


def load_model(config: RunConfig, encoders: bool = False) -> tuple[ModelPatcher, Any, Any]:
    """The image model with the LoRAs and the adapter on, and its text encoder and VAE or None.
    Raises ValueError for files that are damaged or fit no such model."""
    table = config.model
    model, clip, vae = checkpoint_parts(table.checkpoint, encoders)
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


def checkpoint_parts(file: Path, encoders: bool) -> tuple[ModelPatcher, Any, Any]:
    """Raises ValueError for a file that is damaged or no checkpoint."""
    try:
        loaded: Any = comfy.sd.load_checkpoint_guess_config(
            str(file), output_vae=encoders, output_clip=encoders
        )
    except (RuntimeError, ValueError, UnpicklingError, SafetensorError) as error:
        if memory_is_full(error):
            raise
        why = str(error).split("\n")[0].rstrip(".")
        raise ValueError(
            f"[model] checkpoint: {file.name} is damaged or no checkpoint of an image model "
            f"({why}). Choose another file, or fetch it anew."
        ) from error
    return loaded[:3]


def patches(model: ModelPatcher) -> int:
    return sum(map(len, model.patches.values()))
