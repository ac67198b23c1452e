"""A whole stand-in checkpoint: random weights in the layout of Stable Diffusion 1.5.

UNet, autoencoder (TAESD) and text encoder (CLIP-L), as small as CheckpointLoaderSimple accepts.
ComfyUI's classes name the tensors.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

State = dict[str, torch.Tensor]

CONTEXT = 768  # width of the text embedding; ComfyUI knows SD1.5 by it and by 320 channels
CHANNELS = 320
LATENT_SCALE = 0.18215  # of SD1.5; a TAESD works on scaled latents
STRUCTURE_GAIN = 0.3  # of the UNet's random inner features in its output
READOUT_GAIN = 0.2  # of the random part of its last convolution
PICTURE_GAIN = 1.5


def write_checkpoint(path: Path, seed: int = 0, channel_mult: Sequence[int] = (1, 1, 1, 1)) -> None:
    """A whole SD1.5-layout checkpoint (UNet, TAESD, CLIP-L; fp16) that ComfyUI recognises.

    Every level is `320 * channel_mult` wide. Imports ComfyUI, whose classes name the tensors.
    """
    generator = torch.Generator().manual_seed(seed)
    state: State = {}
    for prefix, module in _checkpoint_modules(channel_mult):
        for name, tensor in module.state_dict().items():
            state[prefix + name] = random_like(name, tensor, generator)
    _make_denoising(state, "model.diffusion_model.", 3 * len(channel_mult) - 1)
    _make_visible(state, "first_stage_model.taesd_decoder.")
    state["first_stage_model.vae_scale"].fill_(LATENT_SCALE)
    state = {name: _half(tensor) for name, tensor in state.items()}
    save_safetensors(state, path, {"note": "untrained stand-in weights"})


def _checkpoint_modules(channel_mult: Sequence[int]) -> Iterator[tuple[str, torch.nn.Module]]:
    import comfy.ops
    from comfy import clip_model, sd1_clip
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from comfy.taesd.taesd import TAESD

    levels = len(channel_mult)
    operations = comfy.ops.disable_weight_init
    layout: dict[str, Any] = dict(
        image_size=32,
        in_channels=4,
        out_channels=4,
        model_channels=CHANNELS,
        channel_mult=list(channel_mult),
        num_res_blocks=[2] * levels,
        transformer_depth=[1, 1] * (levels - 1) + [0, 0],
        transformer_depth_output=[1] * 3 * (levels - 1) + [0] * 3,
        transformer_depth_middle=1,
        context_dim=CONTEXT,
        num_heads=8,
        num_head_channels=-1,
        use_spatial_transformer=True,
        use_linear_in_transformer=False,
        legacy=False,
        adm_in_channels=None,
        use_temporal_attention=False,
        dtype=torch.float32,
    )
    yield "model.diffusion_model.", UNetModel(**layout, operations=operations)
    yield "first_stage_model.", TAESD()
    config = json.loads((Path(sd1_clip.__file__).parent / "sd1_clip_config.json").read_text())
    clip = clip_model.CLIPTextModel(config, torch.float32, "cpu", operations)
    yield "cond_stage_model.transformer.", clip


def random_like(name: str, tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Matrices and kernels at unit gain, norms at one, biases at zero; other values as they are."""
    if not tensor.is_floating_point() or tensor.ndim == 0:
        return tensor.clone()
    if tensor.ndim == 1:
        return torch.ones(tensor.shape) if name.endswith("weight") else torch.zeros(tensor.shape)
    return torch.randn(tensor.shape, generator=generator) * tensor[0].numel() ** -0.5


def _make_denoising(state: State, unet: str, last: int) -> None:
    """Gives the random UNet the one trait without which no picture appears: its output follows
    the noise of its input.

    Channels 2k and 2k + 1 of the first convolution carry input channel k mod 4 and its negative;
    the last block's skip connection hands them on beside a fainter random part; the last
    convolution averages them back, since silu(x) - silu(-x) = x.
    """
    first = state[f"{unet}input_blocks.0.0.weight"]
    skip = state[f"{unet}output_blocks.{last}.0.skip_connection.weight"]
    read = state[f"{unet}out.2.weight"]
    channels = first.shape[0]
    first.zero_()
    read.mul_(READOUT_GAIN)
    skip.mul_(STRUCTURE_GAIN)
    for name in ("0.out_layers.3.weight", "1.proj_out.weight"):
        key = f"{unet}output_blocks.{last}.{name}"
        if key in state:
            state[key].mul_(STRUCTURE_GAIN)
    for channel in range(channels):
        source, sign = channel // 2 % 4, 1.0 - 2.0 * (channel % 2)
        first[channel, source, 1, 1] = sign
        skip[channel, skip.shape[1] - channels + channel] += 1.0
        read[source, channel, 1, 1] += sign * 8.0 / channels


def _make_visible(state: State, decoder: str) -> None:
    """Keeps the random decoder's pictures inside the visible range, and soft."""
    names = [name for name in state if name.startswith(decoder) and state[name].ndim == 4]
    for name in names:
        kernel = state[name]
        if kernel.shape[-1] == 3:  # a blur with random mixing of channels
            kernel.copy_(kernel.mean((2, 3), keepdim=True).expand_as(kernel))
    last = names[-1]
    state[last].sub_(state[last].mean(1, keepdim=True)).mul_(PICTURE_GAIN)
    state[last.replace("weight", "bias")].fill_(0.5)


def _half(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor


def save_safetensors(state: State, path: Path, metadata: dict[str, str]) -> None:
    from safetensors.torch import save_file

    contiguous = {name: tensor.contiguous() for name, tensor in state.items()}
    partial = path.with_name(path.name + ".partial")
    save_file(contiguous, str(partial), metadata=metadata)
    os.replace(partial, path)
