"""Untrained stand-in weights of the real Stable Diffusion 1.5 layout, in the real file formats.

They let the demo and the tests go the way that a user's files go, from CheckpointLoaderSimple to
the saved video, where no trained weights are at hand. The pictures are noise-like textures.

Run inside `.venv`: python -m demo.stand_in_weights --comfyui FOLDER --models FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from .files import CHECKPOINT, DOMAIN_ADAPTER, FOLDERS, MOTION_LORA, MOTION_MODEL

State = dict[str, torch.Tensor]

CONTEXT = 768  # width of the text embedding; ComfyUI knows SD1.5 by it and by 320 channels
CHANNELS = 320
LATENT_SCALE = 0.18215  # of SD1.5; a TAESD works on scaled latents
STAND_IN_WIDTHS = (320, 320, 320, 320)
MOTION_GAIN = 0.5  # of proj_out: the residual's size against its input
LORA_GAIN = 0.3
STRUCTURE_GAIN = 0.3  # of the UNet's random inner features in its output
READOUT_GAIN = 0.2  # of the random part of its last convolution
PICTURE_GAIN = 1.5


def motion_model_state_dict(
    widths: Sequence[int] = STAND_IN_WIDTHS,
    mid_block: bool = False,
    positions: int | None = 32,
    seed: int = 0,
    dtype: torch.dtype = torch.float16,
) -> State:
    """A motion model in the official key grammar with random weights, `proj_out` included.

    `widths`: channels of each down block; the up blocks mirror them. `positions`: rows of the
    sinusoidal table `pos_encoder.pe`, (1, positions, width); None leaves the tables out.
    """
    generator = torch.Generator().manual_seed(seed)
    state: State = {}
    for prefix, width in _motion_modules(widths, mid_block):
        for name, tensor in _temporal_transformer(width, positions, generator):
            state[f"{prefix}.temporal_transformer.{name}"] = tensor.to(dtype)
    return state


def motion_lora_state_dict(
    widths: Sequence[int] = STAND_IN_WIDTHS,
    mid_block: bool = False,
    rank: int = 8,
    seed: int = 0,
    dtype: torch.dtype = torch.float16,
) -> State:
    """A MotionLoRA in the official grammar: `down` (rank, width) and `up` (width, rank)."""
    generator = torch.Generator().manual_seed(seed)
    state: State = {}
    for prefix, width in _motion_modules(widths, mid_block):
        for block in (0, 1):
            attention = (
                f"{prefix}.temporal_transformer.transformer_blocks.0.attention_blocks.{block}"
            )
            state.update(_processor_lora(attention, width, width, rank, generator, dtype))
    return state


def domain_adapter_state_dict(
    widths: Sequence[int] = STAND_IN_WIDTHS,
    rank: int = 8,
    context: int = CONTEXT,
    seed: int = 0,
    dtype: torch.dtype = torch.float16,
) -> State:
    """A v3 domain adapter: LoRA of the spatial self- and cross-attentions, 16 blocks for SD1.5."""
    generator = torch.Generator().manual_seed(seed)
    last = len(widths) - 1
    blocks = [(f"down_blocks.{i}.attentions.{j}", widths[i]) for i in range(last) for j in (0, 1)]
    blocks.append(("mid_block.attentions.0", widths[last]))
    for i in range(1, last + 1):
        blocks += [(f"up_blocks.{i}.attentions.{j}", widths[last - i]) for j in (0, 1, 2)]
    state: State = {}
    for prefix, width in blocks:
        for attention, source in (("attn1", width), ("attn2", context)):
            name = f"{prefix}.transformer_blocks.0.{attention}"
            state.update(_processor_lora(name, width, source, rank, generator, dtype))
    return state


def _motion_modules(widths: Sequence[int], mid_block: bool) -> Iterator[tuple[str, int]]:
    """(key prefix, channels) of every motion module of a UNet of these widths."""
    for i, width in enumerate(widths):
        for j in (0, 1):
            yield f"down_blocks.{i}.motion_modules.{j}", width
    if mid_block:
        yield "mid_block.motion_modules.0", widths[-1]
    for i, width in enumerate(reversed(widths)):
        for j in (0, 1, 2):
            yield f"up_blocks.{i}.motion_modules.{j}", width


def _temporal_transformer(
    width: int, positions: int | None, generator: torch.Generator
) -> Iterator[tuple[str, torch.Tensor]]:
    def linear(name: str, source: int, target: int, gain: float = 1.0, bias: bool = True) -> Any:
        weight = torch.randn(target, source, generator=generator) * (gain / source**0.5)
        yield f"{name}.weight", weight
        if bias:
            yield f"{name}.bias", torch.zeros(target)

    def norm(name: str) -> Any:
        yield f"{name}.weight", torch.ones(width)
        yield f"{name}.bias", torch.zeros(width)

    block = "transformer_blocks.0"
    yield from norm("norm")
    yield from linear("proj_in", width, width)
    for i in (0, 1):
        attention = f"{block}.attention_blocks.{i}"
        for part in ("to_q", "to_k", "to_v"):
            yield from linear(f"{attention}.{part}", width, width, bias=False)
        yield from linear(f"{attention}.to_out.0", width, width)
        if positions is not None:
            yield f"{attention}.pos_encoder.pe", _sinusoidal_table(positions, width)
        yield from norm(f"{block}.norms.{i}")
    yield from linear(f"{block}.ff.net.0.proj", width, 8 * width)
    yield from linear(f"{block}.ff.net.2", 4 * width, width)
    yield from norm(f"{block}.ff_norm")
    yield from linear("proj_out", width, width, gain=MOTION_GAIN)


def _sinusoidal_table(positions: int, width: int) -> torch.Tensor:
    """(1, positions, width): sin at even and cos at odd channels (Vaswani et al. 2017, 3.5)."""
    place = torch.arange(positions, dtype=torch.float32).unsqueeze(1)
    rate = torch.exp(torch.arange(0, width, 2) * (-torch.log(torch.tensor(10000.0)) / width))
    table = torch.zeros(1, positions, width)
    table[0, :, 0::2] = torch.sin(place * rate)
    table[0, :, 1::2] = torch.cos(place * rate)
    return table


def _processor_lora(
    attention: str,
    width: int,
    source: int,
    rank: int,
    generator: torch.Generator,
    dtype: torch.dtype,
) -> State:
    """Low-rank pairs of one attention; `source` is the width that keys and values come from."""
    state: State = {}
    for part in ("to_q", "to_k", "to_v", "to_out"):
        inputs = source if part in ("to_k", "to_v") else width
        down = torch.randn(rank, inputs, generator=generator) / inputs**0.5
        up = torch.randn(width, rank, generator=generator) * (LORA_GAIN / rank**0.5)
        state[f"{attention}.processor.{part}_lora.down.weight"] = down.to(dtype)
        state[f"{attention}.processor.{part}_lora.up.weight"] = up.to(dtype)
    return state


def write_checkpoint(path: Path, seed: int = 0, channel_mult: Sequence[int] = (1, 1, 1, 1)) -> None:
    """A whole SD1.5-layout checkpoint (UNet, TAESD, CLIP-L; fp16) that ComfyUI recognises.

    Every level is `320 * channel_mult` wide. Imports ComfyUI, whose classes name the tensors.
    """
    generator = torch.Generator().manual_seed(seed)
    state: State = {}
    for prefix, module in _checkpoint_modules(channel_mult):
        for name, tensor in module.state_dict().items():
            state[prefix + name] = _random_like(name, tensor, generator)
    _make_denoising(state, "model.diffusion_model.", 3 * len(channel_mult) - 1)
    _make_visible(state, "first_stage_model.taesd_decoder.")
    state["first_stage_model.vae_scale"].fill_(LATENT_SCALE)
    state = {name: _half(tensor) for name, tensor in state.items()}
    _save_safetensors(state, path, {"note": "untrained stand-in weights"})


def _checkpoint_modules(channel_mult: Sequence[int]) -> Iterator[tuple[str, torch.nn.Module]]:
    import comfy.ops
    from comfy import clip_model, sd1_clip
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from comfy.taesd.taesd import TAESD

    levels = len(channel_mult)
    operations = comfy.ops.disable_weight_init
    unet = UNetModel(
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
        operations=operations,
    )
    yield "model.diffusion_model.", unet
    yield "first_stage_model.", TAESD()
    config = json.loads((Path(sd1_clip.__file__).parent / "sd1_clip_config.json").read_text())
    clip = clip_model.CLIPTextModel(config, torch.float32, "cpu", operations)
    yield "cond_stage_model.transformer.", clip


def _random_like(name: str, tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
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


def _save_safetensors(state: State, path: Path, metadata: dict[str, str]) -> None:
    from safetensors.torch import save_file

    contiguous = {name: tensor.contiguous() for name, tensor in state.items()}
    partial = path.with_name(path.name + ".partial")
    save_file(contiguous, str(partial), metadata=metadata)
    os.replace(partial, path)


def _save_pickled(state: State, path: Path) -> None:
    """The wrapping that the official training script writes."""
    partial = path.with_name(path.name + ".partial")
    torch.save({"epoch": 0, "global_step": 0, "state_dict": state}, partial)
    os.replace(partial, path)


def write_all(models: Path, seed: int = 0) -> None:
    """Writes the four stand-in files to their folders under `models`."""
    places = {name: models / folder / name for name, folder in FOLDERS.items()}
    for place in places.values():
        place.parent.mkdir(parents=True, exist_ok=True)
    note = {"note": "untrained stand-in weights"}
    write_checkpoint(places[CHECKPOINT], seed)
    _save_pickled(motion_model_state_dict(seed=seed + 1), places[MOTION_MODEL])
    _save_safetensors(motion_lora_state_dict(seed=seed + 2), places[MOTION_LORA], note)
    _save_safetensors(domain_adapter_state_dict(seed=seed + 3), places[DOMAIN_ADAPTER], note)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--comfyui", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    options = parser.parse_args()
    # ComfyUI's modules come before this repository's, which has a `nodes` package too.
    sys.path.insert(0, str(options.comfyui))
    from comfy.cli_args import args

    args.cpu = True
    write_all(options.models)


if __name__ == "__main__":
    main()
