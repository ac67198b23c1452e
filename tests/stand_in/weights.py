"""Untrained stand-in weights of the real Stable Diffusion 1.5 layout, in the real file formats.

They let tests and benchmarks go the way that a user's files go, from CheckpointLoaderSimple to the
saved video, where no trained weights are at hand. The pictures are noise-like textures.

The launcher runs this module inside `.venv`; each option but the first names a file to write.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from .checkpoint import CONTEXT, State, save_safetensors, write_checkpoint

STAND_IN_WIDTHS = (320, 320, 320, 320)
MOTION_GAIN = 0.5  # of proj_out: the residual's size against its input
LORA_GAIN = 0.3


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


def _save_pickled(state: State, path: Path) -> None:
    """The wrapping that the official training script writes."""
    partial = path.with_name(path.name + ".partial")
    torch.save({"epoch": 0, "global_step": 0, "state_dict": state}, partial)
    os.replace(partial, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--comfyui", "--checkpoint", "--motion-model", "--motion-lora"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--domain-adapter", type=Path, required=True)
    options = parser.parse_args()
    # ComfyUI's modules come before this repository's, which has a `nodes` too.
    sys.path.insert(0, str(options.comfyui))
    from comfy.cli_args import args

    args.cpu = True
    note = {"note": "untrained stand-in weights"}
    write_checkpoint(options.checkpoint, seed=0)
    _save_pickled(motion_model_state_dict(seed=1), options.motion_model)
    save_safetensors(motion_lora_state_dict(seed=2), options.motion_lora, note)
    save_safetensors(domain_adapter_state_dict(seed=3), options.domain_adapter, note)


if __name__ == "__main__":
    main()
