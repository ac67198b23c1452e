"""SparseCtrl files at any width with live random weights, their names and shapes written out from
the authors' format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from adk_tests.support import tiny
from animatediff_kit.motion_models.adapters.sparse_control.control import SparseControl
from animatediff_kit.motion_models.adapters.sparse_control.load import build, sort_out
from safetensors.torch import save_file
from torch import Tensor

Shape = tuple[int, ...]

WIDTHS = (320, 640, 1280, 1280)
TINY = tiny.WIDTHS["SD1.5"]
STACK = (16, 32, 96, 256)


def pair(name: str, *shape: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def res_block(name: str, before: int, c: int, time: int) -> Iterator[tuple[str, Shape]]:
    yield from pair(f"{name}.norm1", before)
    yield from pair(f"{name}.conv1", c, before, 3, 3)
    yield from pair(f"{name}.time_emb_proj", c, time)
    yield from pair(f"{name}.norm2", c)
    yield from pair(f"{name}.conv2", c, c, 3, 3)
    if before != c:
        yield from pair(f"{name}.conv_shortcut", c, before, 1, 1)


def feed_forward(name: str, c: int) -> Iterator[tuple[str, Shape]]:
    yield from pair(f"{name}.net.0.proj", 8 * c, c)
    yield from pair(f"{name}.net.2", c, 4 * c)


def attention(name: str, c: int, source: int) -> Iterator[tuple[str, Shape]]:
    for part, width in (("to_q", c), ("to_k", source), ("to_v", source)):
        yield f"{name}.{part}.weight", (c, width)
    yield from pair(f"{name}.to_out.0", c, c)


def spatial(name: str, c: int, context: int) -> Iterator[tuple[str, Shape]]:
    block = f"{name}.transformer_blocks.0"
    yield from pair(f"{name}.norm", c)
    yield from pair(f"{name}.proj_in", c, c, 1, 1)
    for i, source in ((1, c), (2, context)):
        yield from pair(f"{block}.norm{i}", c)
        yield from attention(f"{block}.attn{i}", c, source)
    yield from pair(f"{block}.norm3", c)
    yield from feed_forward(f"{block}.ff", c)
    yield from pair(f"{name}.proj_out", c, c, 1, 1)


def motion(name: str, c: int) -> Iterator[tuple[str, Shape]]:
    root = f"{name}.temporal_transformer"
    block = f"{root}.transformer_blocks.0"
    yield from pair(f"{root}.norm", c)
    yield from pair(f"{root}.proj_in", c, c)
    yield from attention(f"{block}.attention_blocks.0", c, c)
    yield from pair(f"{block}.norms.0", c)
    yield from feed_forward(f"{block}.ff", c)
    yield from pair(f"{block}.ff_norm", c)
    yield from pair(f"{root}.proj_out", c, c)


def hint(kind: str, c: int) -> Iterator[tuple[str, Shape]]:
    name = "controlnet_cond_embedding"
    if kind == "rgb":
        yield from pair(name, c, 5, 3, 3)
        return
    yield from pair(f"{name}.conv_in", STACK[0], 4, 3, 3)
    for i, (before, behind) in enumerate(zip(STACK, STACK[1:], strict=False)):
        yield from pair(f"{name}.blocks.{2 * i}", before, before, 3, 3)
        yield from pair(f"{name}.blocks.{2 * i + 1}", behind, before, 3, 3)
    yield from pair(f"{name}.conv_out", c, STACK[-1], 3, 3)


def shapes(kind: str, widths: Shape = WIDTHS, context: int = 768) -> dict[str, Shape]:
    """Every tensor of a file but the position tables; kind is "rgb" or "scribble"."""
    first, last, time = widths[0], widths[-1], 4 * widths[0]
    found = [*pair("conv_in", first, 4, 3, 3), *hint(kind, first)]
    found += pair("time_embedding.linear_1", time, first)
    found += pair("time_embedding.linear_2", time, time)
    handed, before = [first], first
    for i, c in enumerate(widths):
        block, is_last = f"down_blocks.{i}", i == len(widths) - 1
        for j in (0, 1):
            found += res_block(f"{block}.resnets.{j}", before, c, time)
            before = c
            if not is_last:
                found += spatial(f"{block}.attentions.{j}", c, context)
            found += motion(f"{block}.motion_modules.{j}", c)
        if not is_last:
            found += pair(f"{block}.downsamplers.0.conv", c, c, 3, 3)
        handed += [c] * (2 if is_last else 3)
    for i in (0, 1):
        found += res_block(f"mid_block.resnets.{i}", last, last, time)
    found += spatial("mid_block.attentions.0", last, context)
    for i, c in enumerate(handed):
        found += pair(f"controlnet_down_blocks.{i}", c, c, 1, 1)
    return dict([*found, *pair("controlnet_mid_block", last, last, 1, 1)])


def weights(
    kind: str, widths: Shape = TINY, context: int = tiny.CONTEXT, seed: int = 3
) -> dict[str, Tensor]:
    """Live weights of a file."""
    empty = {key: torch.empty(shape) for key, shape in shapes(kind, widths, context).items()}
    return tiny.randomise(empty, seed)


def write(path: Path, kind: str) -> Path:
    """A tiny file in the authors' names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights(kind), str(path))
    return path


def control(kind: str, seed: int = 3, name: str = "tiny_sparse.ckpt") -> SparseControl:
    """A tiny control, as the loader makes it."""
    return build(*sort_out(weights(kind, seed=seed), name))
