"""PIA files at tiny width, and the models made of them."""

from __future__ import annotations

from pathlib import Path

import torch
from adk_tests.support import spellings, tiny
from animatediff_kit.motion_models.load import load_motion_model
from comfy.model_patcher import ModelPatcher
from safetensors.torch import save_file
from torch import Tensor


def weights(seed: int = 7) -> dict[str, Tensor]:
    """A whole UNet dump around live motion modules, its first convolution live as well."""
    motion = spellings.with_tables(tiny.motion_weights("v3", seed), 32)
    dump = spellings.unet_dump(motion, channels=9)
    first = {key: weight for key, weight in dump.items() if key.startswith("conv_in.")}
    return {**dump, **tiny.randomise(first, seed + 1)}


def patcher(folder: Path, seed: int = 7) -> ModelPatcher:
    """A motion model of PIA, as the loader makes it."""
    save_file(weights(seed), str(folder / "pia.safetensors"))
    return load_motion_model(str(folder / "pia.safetensors"))


def picture(seed: int = 5, size: int = 64) -> Tensor:
    """1 h w 3 in 0..1"""
    return torch.rand((1, size, size, 3), generator=torch.Generator().manual_seed(seed))
