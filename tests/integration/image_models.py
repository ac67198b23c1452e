"""Image models other than SD1.5, as small as ComfyUI's loader still recognises, all zeros."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.ops
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.ldm.wan.model import WanModel
from safetensors.torch import save_file

OPERATIONS = comfy.ops.disable_weight_init


def write_sdxl(path: Path) -> None:
    """The UNet of the smallest SDXL that is known (Segmind Vega), every level 320 wide."""
    layout: dict[str, Any] = dict(
        image_size=32,
        in_channels=4,
        out_channels=4,
        model_channels=320,
        channel_mult=[1, 1, 1],
        num_res_blocks=[2, 2, 2],
        transformer_depth=[0, 0, 1, 1, 2, 2],
        transformer_depth_output=[0, 0, 0, 1, 1, 1, 2, 2, 2],
        transformer_depth_middle=-1,
        context_dim=2048,
        num_heads=-1,
        num_head_channels=64,
        use_spatial_transformer=True,
        use_linear_in_transformer=True,
        legacy=False,
        adm_in_channels=2816,
        num_classes="sequential",
    )
    write_zeros(UNetModel(**layout, device="meta", operations=OPERATIONS), path)


def write_wan(path: Path) -> None:
    """Wan 2.1 text to video with one block."""
    model = WanModel(
        dim=128, ffn_dim=128, num_heads=1, num_layers=1, device="meta", operations=OPERATIONS
    )
    write_zeros(model, path)


def write_zeros(model: torch.nn.Module, path: Path) -> None:
    state = model.state_dict()
    save_file({k: torch.zeros(t.shape, dtype=torch.float16) for k, t in state.items()}, str(path))
