"""A stand-in ControlNet: random weights in the file layout of Stable Diffusion 1.5's ControlNets.

It is as wide as the stand-in checkpoint, and its signal is live: other hints, other pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from .checkpoint import CHANNELS, CONTEXT, State, random_like, save_safetensors

PREFIX = "control_model."
CONTROL_GAIN = 0.3  # of the convolutions that hand the signal to the UNet, zero before training
HINT_CHANNELS = 3


def write_controlnet(path: Path, seed: int = 0, channel_mult: Sequence[int] = (1, 1, 1, 1)) -> None:
    """A ControlNet (fp16, keys `control_model.`) that ControlNetLoader recognises.

    Its levels are `320 * channel_mult` wide. Imports ComfyUI, whose class names the tensors.
    """
    state = controlnet_state_dict(seed, channel_mult)
    save_safetensors(state, path, {"note": "untrained stand-in weights"})


def controlnet_state_dict(seed: int, channel_mult: Sequence[int]) -> State:
    generator = torch.Generator().manual_seed(seed)
    state: State = {}
    for name, tensor in _controlnet(channel_mult).state_dict().items():
        value = random_like(name, tensor, generator)
        hands_on = name.startswith(("zero_convs.", "middle_block_out."))
        state[PREFIX + name] = (value * CONTROL_GAIN if hands_on else value).half()
    return state


def _controlnet(channel_mult: Sequence[int]) -> torch.nn.Module:
    import comfy.ops
    from comfy.cldm.cldm import ControlNet

    levels = len(channel_mult)
    layout: dict[str, Any] = dict(
        image_size=32,
        in_channels=4,
        model_channels=CHANNELS,
        hint_channels=HINT_CHANNELS,
        channel_mult=list(channel_mult),
        num_res_blocks=[2] * levels,
        transformer_depth=[1, 1] * (levels - 1) + [0, 0],
        transformer_depth_middle=1,
        context_dim=CONTEXT,
        num_heads=8,
        use_spatial_transformer=True,
        legacy=False,
    )
    return ControlNet(**layout, device="meta", operations=comfy.ops.disable_weight_init)
