"""The fast arithmetic against the reference's, with live weights and frames that differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import comfy.ops
import pytest
import torch
from adk_tests.reference.live import live_video, live_weights, relative_error
from adk_tests.support import tiny
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.fast import scratch
from animatediff_kit.motion_models.fast.forward import forward
from animatediff_kit.motion_models.modules import MotionModule
from torch import Tensor

C, VIDEOS, FRAMES = 64, 2, 5
FP32 = 5e-6
DTYPES = [(torch.float32, FP32), (torch.float16, 2e-3), (torch.bfloat16, 1.5e-2)]


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def motion_module(
    channels: int = C, norm: Any = "per_frame", dtype: torch.dtype = torch.float32, **more: Any
) -> MotionModule:
    ops = comfy.ops.manual_cast
    module = MotionModule(channels, 32, norm, ops, dtype=dtype, device="cpu", **more)
    weights = live_weights(module.named_parameters(), channels)
    module.load_state_dict({name: weight.to(dtype) for name, weight in weights.items()})
    return module


def features(channels: int = C, frames: int = FRAMES, height: int = 6, width: int = 5) -> Tensor:
    """(b f) c h w, every frame of every video its own."""
    video = live_video(frames, VIDEOS, channels, frames, height, width)
    return video.transpose(1, 2).flatten(0, 1).contiguous().float()


def error(module: MotionModule, x: Tensor, call: Call) -> float:
    """Of the residual, relative to its norm."""
    return relative_error(forward(module, x, call) - x, module(x, call) - x)


@pytest.mark.parametrize("rule", ["per_frame", "across_frames"])
@pytest.mark.parametrize(("channels", "frames"), [(64, 1), (64, 5), (256, 16)])
def test_residual_is_the_references(rule: str, channels: int, frames: int) -> None:
    x = features(channels, frames)
    assert error(motion_module(channels, rule), x, tiny.call(x, frames)) <= FP32


@pytest.mark.parametrize("attentions", [1, 2])
@pytest.mark.parametrize("settings", [{}, {"strength": 0.4, "motion_scale": -1.3}])
@pytest.mark.parametrize("rows", [1, 7, 40, 10**6])
def test_parts_make_no_difference(
    monkeypatch: pytest.MonkeyPatch, rows: int, settings: dict[str, float], attentions: int
) -> None:
    monkeypatch.setattr(scratch, "CPU_ROWS", rows)
    x = features()
    module = motion_module(attentions=attentions)
    assert error(module, x, tiny.call(x, FRAMES, **settings)) <= FP32


def test_channels_last_stay_last_and_odd_maps_are_right() -> None:
    module, x = motion_module(), features(height=6, width=5)
    call = tiny.call(x, FRAMES)
    expected = module(x, call)
    last = forward(module, x.contiguous(memory_format=torch.channels_last), call)
    assert last.is_contiguous(memory_format=torch.channels_last)
    turned = forward(module, x.transpose(2, 3).contiguous().transpose(2, 3), call)
    for y in (last, turned):
        assert relative_error(y - x, expected - x) <= FP32


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("stored", [torch.float32, torch.float8_e4m3fn])
def test_every_dtype_is_as_near_as_it_can_be(
    dtype: torch.dtype, tolerance: float, stored: torch.dtype
) -> None:
    """Against float32's reference, with the weights that are stored."""
    x = features(128, 8).to(dtype)
    module = motion_module(128, dtype=stored)
    call = tiny.call(x, 8)
    exact = module(x.float(), call) - x.float()
    whole = forward(module, x, replace(call, strength=64.0)) - x  # what the map rounds is small
    assert whole.dtype == dtype
    assert relative_error(whole.float() / 64, exact) <= tolerance


def test_positions_of_the_call_come_before_the_modules_own() -> None:
    module, x = motion_module(), features()
    block: Any = module.temporal_transformer.transformer_blocks[0]
    encoders = [attention.pos_encoder for attention in block.attention_blocks]
    tables = {}
    for number, encoder in enumerate(encoders):
        encoder.name = f"attention {number}"
        tables[encoder.name] = encoder.pe.flip(1)[:, :FRAMES] * (1 + number)
    own, given = tiny.call(x, FRAMES), tiny.call(x, FRAMES, positions=tables)
    assert relative_error(module(x, own), module(x, given)) > 1e-3
    assert error(module, x, given) <= FP32


@pytest.mark.parametrize("rows", [8, 10**6])
def test_functions_of_weights_and_changed_weights_are_seen(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """As a partly loaded model has its LoRAs, and as a patch that comes between two calls."""
    monkeypatch.setattr(scratch, "CPU_ROWS", rows)
    module, x = motion_module(), features()
    call = tiny.call(x, FRAMES)
    before = forward(module, x, call)
    block: Any = module.temporal_transformer.transformer_blocks[0]
    block.attention_blocks[1].to_k.weight_function = [lambda weight: weight * 1.5 + 0.01]
    block.attention_blocks[0].to_out[0].bias_function = [lambda bias: bias - 0.5]
    block.ff.net[2].weight.mul_(0.5)
    block.attention_blocks[0].to_v.weight.data = block.attention_blocks[0].to_v.weight.flip(0)
    assert relative_error(forward(module, x, call), before) > 1e-2
    assert error(module, x, call) <= FP32


def test_weights_that_come_through_one_buffer_are_kept_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ComfyUI brings offloaded weights through memory that the next layer overwrites."""
    monkeypatch.setattr(scratch, "CPU_ROWS", 40)
    module, x = motion_module(), features()
    call, buffer = tiny.call(x, FRAMES), torch.empty(C, C)
    expected = module(x, call)
    transformer: Any = module.temporal_transformer
    attentions = transformer.transformer_blocks[0].attention_blocks
    layers = [transformer.proj_in, transformer.proj_out]
    layers += [layer for a in attentions for layer in (a.to_q, a.to_k, a.to_v, a.to_out[0])]
    for layer in layers:
        layer.weight_function = [lambda weight: buffer.copy_(weight)]
    assert relative_error(forward(module, x, call) - x, expected - x) <= FP32


def test_no_more_pixels_than_kernels_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "CPU_ROWS", 10**9)
    x = features()
    assert scratch.pixels_at_once(x.flatten(2)) == 30
    monkeypatch.setattr(scratch, "MAX_PIXELS", 7)
    assert scratch.pixels_at_once(x.flatten(2)) == 6  # 5 parts of one size
    assert error(motion_module(), x, tiny.call(x, FRAMES)) <= FP32
