"""AnimateLCM-I2V files at any width, their encoder's names and shapes written out from the format,
and the models made of them."""

from __future__ import annotations

from pathlib import Path

import torch
from adk_tests.support import tiny
from animatediff_kit.motion_models.load import load_motion_model
from comfy.model_patcher import ModelPatcher
from safetensors.torch import save_file
from torch import Tensor

Shape = tuple[int, ...]


def encoder_shapes(widths: Shape = (320, 640, 1280, 1280)) -> dict[str, Shape]:
    """Every tensor of an image encoder."""
    shapes: dict[str, Shape] = {}

    def convolution(name: str, *shape: int) -> None:
        shapes[f"img_encoder.{name}.weight"] = shape
        shapes[f"img_encoder.{name}.bias"] = shape[:1]

    convolution("conv_in", widths[0], 4, 3, 3)
    before = widths[0]
    for i, c in enumerate(widths):
        for k in (2 * i, 2 * i + 1):
            if before != c:
                convolution(f"body.{k}.in_conv", c, before, 1, 1)
            convolution(f"body.{k}.block1", c, c, 3, 3)
            convolution(f"body.{k}.block2", c, c, 1, 1)
            before = c
    return shapes


def weights(seed: int = 7, widths: Shape = tiny.WIDTHS["SD1.5"]) -> dict[str, Tensor]:
    """Live weights of a file; it holds no position tables."""
    empty = {key: torch.empty(shape) for key, shape in encoder_shapes(widths).items()}
    return {**tiny.motion_weights("AnimateLCM", seed), **tiny.randomise(empty, seed + 1)}


def patcher(folder: Path, seed: int = 7) -> ModelPatcher:
    """A motion model of AnimateLCM-I2V, as the loader makes it."""
    save_file(weights(seed), str(folder / "i2v.safetensors"))
    return load_motion_model(str(folder / "i2v.safetensors"))
