"""CameraCtrl files at any width, their names and shapes written out from the format; paths whose
poses all differ; the patchers made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from adk_tests.support import spellings, tiny
from animatediff_kit.motion_models.adapters.camera_control.path import CameraPath
from animatediff_kit.motion_models.adapters.camera_control.read import load_camera_control
from comfy.model_patcher import ModelPatcher
from safetensors.torch import save_file
from torch import Tensor

Shape = tuple[int, ...]
BLOCKS, POSITIONS = 2, 16
MERGE = "temporal_transformer.transformer_blocks.0.attention_blocks.0.processor.qkv_merge"


def encoder_shapes(widths: Shape = (320, 640, 1280, 1280)) -> dict[str, Shape]:
    """Every tensor of a pose encoder, tables left out."""
    shapes: dict[str, Shape] = {
        "encoder_conv_in.weight": (widths[0], 384, 3, 3),
        "encoder_conv_in.bias": (widths[0],),
    }
    before = widths[0]
    for i, c in enumerate(widths):
        for j in range(BLOCKS):
            name = f"encoder_down_conv_blocks.{i}.{j}"
            kernels = {"block1": (c, c, 3, 3), "block2": (c, c, 1, 1)}
            if before != c:
                kernels["in_conv"] = (c, before, 1, 1)
            for layer, shape in kernels.items():
                shapes[f"{name}.{layer}.weight"] = shape
                shapes[f"{name}.{layer}.bias"] = shape[:1]
            before = c
            name = f"encoder_down_attention_blocks.{i}.{j}"
            for part in ("to_q", "to_k", "to_v", "to_out.0"):
                shapes[f"{name}.attention_blocks.0.{part}.weight"] = (c, c)
            shapes[f"{name}.attention_blocks.0.to_out.0.bias"] = (c,)
            for norm in ("norms.0", "ff_norm"):
                shapes[f"{name}.{norm}.weight"] = shapes[f"{name}.{norm}.bias"] = (c,)
            shapes[f"{name}.ff.net.0.proj.weight"] = (8 * c, c)
            shapes[f"{name}.ff.net.0.proj.bias"] = (8 * c,)
            shapes[f"{name}.ff.net.2.weight"] = (c, 4 * c)
            shapes[f"{name}.ff.net.2.bias"] = (c,)
    return shapes


def merge_shapes(widths: Shape = (320, 640, 1280, 1280)) -> dict[str, Shape]:
    """The layers of the 20 motion modules of v3."""
    shapes: dict[str, Shape] = {}
    for blocks, levels, layers in (("down_blocks", widths, 2), ("up_blocks", widths[::-1], 3)):
        for i, c in enumerate(levels):
            for j in range(layers):
                name = f"{blocks}.{i}.motion_modules.{j}.{MERGE}"
                shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (c, c), (c,)
    return shapes


def weights(seed: int = 7, widths: Shape = tiny.WIDTHS["SD1.5"]) -> dict[str, Tensor]:
    """Live weights of a file, with the tables of positions that it has."""
    shapes = {**encoder_shapes(widths), **merge_shapes(widths)}
    live = tiny.randomise({key: torch.empty(shape) for key, shape in shapes.items()}, seed)
    tables = {
        key.replace("ff_norm.weight", "attention_blocks.0.pos_encoder.pe"): spellings.table(
            POSITIONS, weight
        )
        for key, weight in live.items()
        if key.endswith("ff_norm.weight")
    }
    return {**live, **tables}


def patcher(folder: Path, seed: int = 7) -> ModelPatcher:
    """An adapter as the loader makes it."""
    save_file(weights(seed), str(folder / "camera.safetensors"))
    return load_camera_control(str(folder / "camera.safetensors"))


def path(frames: int, seed: int = 3) -> CameraPath:
    """Cameras that turn, move and change their lens from frame to frame."""
    random = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (frames, 1, 1))
    for pose in poses:
        turned, _ = np.linalg.qr(np.eye(3) + 0.3 * random.standard_normal((3, 3)))
        turned *= np.sign(np.diag(turned))
        pose[:3, :3] = turned * np.sign(np.linalg.det(turned))
        pose[:3, 3] = random.standard_normal(3)
    wide = random.uniform(0.4, 0.9, frames)
    lenses = np.stack([wide, wide * 16 / 9, *random.uniform(0.4, 0.6, (2, frames))], axis=1)
    return CameraPath(poses, lenses)
