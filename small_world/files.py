"""The weights that ship with the pack: where they lie, and reading them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.sd
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..motion_models import folders
from ..motion_models.domain_adapter import apply_domain_adapter
from ..motion_models.read import read_weights
from .models import autoencoder, image_model, text_encoder

WEIGHTS = Path(__file__).resolve().parent / "weights"

CHECKPOINTS = WEIGHTS / "checkpoints"
"""Not a folder of ComfyUI's: its loader does not know models of this size."""
MOTION_MODELS = WEIGHTS / "motion_models"
MOTION_LORAS = WEIGHTS / "motion_loras"
LORAS = WEIGHTS / "loras"

BASE, OUTLINED, NEON = "base", "outlined", "neon"
IMAGE_MODELS = (BASE, OUTLINED, NEON)

MOTION_MODEL = "small_world_motion.safetensors"
ADAPTER = "small_world_adapter.safetensors"
NEON_LORA = "small_world_neon.safetensors"


def register_folders() -> None:
    """The widgets of the nodes list the small world's files, after the user's."""
    folders.ship_files(folders.MOTION_MODELS, MOTION_MODELS)
    folders.ship_files(folders.MOTION_LORAS, MOTION_LORAS)
    folders.ship_files(folders.LORAS, LORAS)


def motion_lora(move: str) -> str:
    """The MotionLoRA of a camera move: `zoom in` -> its file's name."""
    return f"small_world_{move.replace(' ', '_')}.safetensors"


def weights_of(path: Path) -> dict[str, Tensor]:
    return read_weights(str(path))[0]


def load(name: str) -> tuple[ModelPatcher, comfy.sd.CLIP, comfy.sd.VAE]:
    """One of IMAGE_MODELS, ready for ComfyUI's nodes. Raises ValueError for another name."""
    if name not in IMAGE_MODELS:
        raise ValueError(f"{name!r} is no image model; choose one of {', '.join(IMAGE_MODELS)}.")
    base = weights_of(CHECKPOINTS / "base.safetensors")
    weights = base
    if name == OUTLINED:  # what was trained on takes the place of the base's
        weights = base | weights_of(CHECKPOINTS / "outlined.safetensors")
    model = image_model(weights)
    if name == NEON:
        model = apply_domain_adapter(model, weights_of(LORAS / NEON_LORA), 1.0, NEON_LORA)
    parts: tuple[Any, Any] = text_encoder(base), autoencoder(base)
    return model, *parts
