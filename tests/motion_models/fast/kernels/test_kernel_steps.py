"""The kernels against the reference: compiled where a GPU is, else in Triton's interpreter."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from adk_tests.motion_models.fast.test_counts import BENCHMARKS
from adk_tests.motion_models.fast.test_forward import features, motion_module
from adk_tests.reference.live import live_noise, relative_error
from adk_tests.support import tiny
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.fast import scratch
from animatediff_kit.motion_models.fast.agreement import TOLERANCES
from animatediff_kit.motion_models.fast.forward import forward
from animatediff_kit.motion_models.modules import MotionModule
from torch import Tensor
from torch.nn import functional

pytest.importorskip("triton")
kernel_steps = importlib.import_module("animatediff_kit.motion_models.fast.kernels.kernel_steps")
Steps = kernel_steps.KernelSteps

GPU = "TRITON_INTERPRET" not in os.environ  # tests/conftest.py
DEVICE = "cuda" if GPU else "cpu"
FRAMES = 5
NEEDS_GPU = pytest.mark.skipif(not GPU, reason="the interpreter is slow, and has no bfloat16")


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def away(module: MotionModule, x: Tensor, call: Call) -> float:
    """Of the residual, from the reference's in float32, relative to its norm. 64 times as strong,
    so that what the map rounds is small."""
    exact = module.float()(x.float(), call) - x.float()
    module.to(x.dtype).to(DEVICE)
    mine = forward(module, x.to(DEVICE), replace(call, strength=64.0 * call.strength), Steps)
    assert mine.dtype == x.dtype and mine.stride() == x.stride()
    return relative_error((mine.cpu().float() - x.float()) / 64, exact)


KINDS = [
    ("per_frame", torch.float32),
    ("across_frames", torch.float16),
    pytest.param("across_frames", torch.float32, marks=NEEDS_GPU),
    pytest.param("per_frame", torch.bfloat16, marks=NEEDS_GPU),
]


@pytest.mark.parametrize(("rule", "dtype"), KINDS)
def test_residual_is_the_references(rule: str, dtype: torch.dtype) -> None:
    """96 channels: neither a block of columns nor a head's 12 numbers fill a power of two."""
    x = features(96, FRAMES, 3, 2).to(dtype)
    call = tiny.call(x, FRAMES, strength=0.7, motion_scale=-1.3)
    assert away(motion_module(96, rule), x, call) <= TOLERANCES[dtype]


@pytest.mark.parametrize(("frames", "attentions"), [(1, 2), (17, 1)])
def test_any_number_of_frames_and_attentions(frames: int, attentions: int) -> None:
    x = features(64, frames, 1, 2)
    module = motion_module(attentions=attentions)
    assert away(module, x, tiny.call(x, frames)) <= TOLERANCES[torch.float32]


def test_parts_and_layouts_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three parts of a map whose channels are last; the rows of none fill a block."""
    monkeypatch.setattr(scratch, "rows_at_once", lambda x, channels, width=8: 2 * len(x))
    x = features(64, FRAMES, 3, 2).contiguous(memory_format=torch.channels_last)
    assert scratch.pixels_at_once(x.flatten(2)) == 2
    assert away(motion_module(), x, tiny.call(x, FRAMES)) <= TOLERANCES[torch.float32]


@pytest.mark.parametrize("rule", ["per_frame", "across_frames"])
def test_maps_of_many_blocks(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, pixels and statistics of several blocks each, the last of them not full."""
    monkeypatch.setattr(kernel_steps, "ROWS", 16)
    monkeypatch.setattr(kernel_steps, "COUNTED", 32)
    x = features(64, FRAMES, 3, 7)
    x += torch.linspace(-3, 3, 21).view(3, 7)  # no two blocks of pixels have one mean
    assert away(motion_module(64, rule), x, tiny.call(x, FRAMES)) <= TOLERANCES[torch.float32]


def test_positions_as_a_stretch_gives_them() -> None:
    """Row beside row instead of one behind the other."""
    module, x = motion_module(), features(64, FRAMES, 2, 2)
    block: Any = module.temporal_transformer.transformer_blocks[0]
    positions = {}
    for number, attention in enumerate(block.attention_blocks):
        attention.pos_encoder.name = f"attention {number}"
        stretched = functional.interpolate(attention.pos_encoder.pe.transpose(1, 2), size=40)
        positions[attention.pos_encoder.name] = stretched.transpose(1, 2)
    plain, given = tiny.call(x, FRAMES), tiny.call(x, FRAMES, positions=positions)
    assert next(iter(positions.values())).stride(2) == 40
    assert relative_error(module(x, given), module(x, plain)) > 1e-3
    assert away(module, x, given) <= TOLERANCES[torch.float32]


@pytest.mark.skipif(GPU, reason="the functions of its weights are those of a CPU")
def test_positions_of_the_call_and_functions_of_weights() -> None:
    """Weights come through one buffer that the next layer overwrites, as ComfyUI brings them."""
    module, x = motion_module(), features(64, FRAMES, 2, 2)
    block: Any = module.temporal_transformer.transformer_blocks[0]
    encoder = block.attention_blocks[1].pos_encoder
    encoder.name = "second attention"
    positions = {encoder.name: encoder.pe.flip(1)[:, :FRAMES] * 2}
    plain, given = tiny.call(x, FRAMES), tiny.call(x, FRAMES, positions=positions)
    buffer = torch.empty(64, 64)
    for layer in (block.attention_blocks[0].to_k, block.attention_blocks[0].to_v):
        layer.weight_function = [lambda weight: buffer.copy_(weight * 1.5 + 0.01)]
    assert relative_error(module(x, given), module(x, plain)) > 1e-3
    assert away(module, x, given) <= TOLERANCES[torch.float32]


@pytest.mark.skipif(GPU, reason="launches are counted in Triton's interpreter")
def test_operations_and_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """12 and 39 are what the arithmetic takes where a kernel is a block of it. Weights and tables,
    which are small beside a map of a real size, come on top."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    x = live_noise(1, 2, 32, 8, 8).half()
    module, call = motion_module(32, dtype=torch.float16), tiny.call(x, 2)
    counted = importlib.import_module("operations").Operations(x)
    with counted, counted.launches():
        forward(module, x, call, Steps)
    assert counted.kernels == 11
    weights = sum(p.numel() * p.element_size() for p in module.parameters())
    statistics = 2 * 32 * 2 * 2 * 4
    tables = 2 * 2 * 32 * 4
    small = (weights + statistics + tables) / counted.bytes
    assert counted.passes - small == pytest.approx(39, abs=1e-6)
