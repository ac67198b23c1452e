"""A MotionLoRA over time is what the merged one is, with another strength in every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, spellings, tiny, windowed
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.motion_models.low_rank import ATTACHMENT, attached, beside, scales_at
from comfy.model_patcher import ModelPatcher
from torch import Tensor

FRAMES = 4
BLOCK = "down_blocks.1.motion_modules.1.temporal_transformer.transformer_blocks.0"


def constant(value: float) -> Callable[..., float]:
    return lambda call, height, width: value


def by_frame(call: Call, height: int, width: int) -> Tensor:
    """-0.5, 0, 0.5, 1..."""
    values = torch.tensor([0.5 * (frame - 1) for frame in call.indices])
    return values.repeat(call.videos).view(-1, 1, 1, 1)


def by_place(call: Call, height: int, width: int) -> Tensor:
    return by_frame(call, height, width) * torch.linspace(0, 2, width).expand(1, 1, height, width)


def loras(*strengths: Any, seed: int = 5) -> ModelPatcher:
    """One motion model with a MotionLoRA of each strength, no two alike."""
    motion = tiny.motion_patcher("v2")
    for i, strength in enumerate(strengths):
        motion = apply_motion_lora(motion, tiny.motion_lora("v2", seed + i), strength, f"lora {i}")
    return motion


def sampled(base: ModelPatcher, motion: ModelPatcher, **more: Any) -> Tensor:
    return tiny.sample(apply_motion_model(base, motion, MotionSettings(**more)), frames=FRAMES)


@pytest.mark.parametrize("strength", [0.7, -0.8, 0.0])
def test_one_value_is_the_merged_lora(base: ModelPatcher, strength: float) -> None:
    found = sampled(base, loras(constant(strength)))
    assert by_hand.relative(found, sampled(base, loras(strength))) < 1e-5
    if strength:
        assert by_hand.relative(found, sampled(base, loras())) > 1e-2


def test_beside_others_and_a_scale(base: ModelPatcher) -> None:
    scale = {"motion_scale": 1.3}
    found = sampled(base, loras(constant(0.7), 0.4, constant(-0.3)), **scale)
    assert by_hand.relative(found, sampled(base, loras(0.7, 0.4, -0.3), **scale)) < 1e-5
    values = sampled(
        base,
        loras(lambda call, h, w: torch.full((call.videos * call.frames, 1, h, w), 0.7)),
        motion_scale=constant(1.3),
    )
    assert by_hand.relative(values, sampled(base, loras(0.7), **scale)) < 1e-5


def test_alpha_and_feed_forwards_count() -> None:
    """kohya's spelling, whose alpha is half the rank and whose pairs make up for it: by hand."""
    names = [f"attention_blocks.{i}.{to}" for i in (0, 1) for to in ("to_q", "to_k", "to_v")]
    names += ["attention_blocks.0.to_out.0", "ff.net.0.proj", "ff.net.2"]
    motion = tiny.motion_patcher("v2")
    generator = torch.Generator().manual_seed(1)
    pairs = {}
    for name in names:
        weight = motion.model.get_submodule(f"{BLOCK}.{name}").weight
        up = torch.randn((weight.shape[0], 4), generator=generator) * 0.3
        down = torch.randn((4, weight.shape[1]), generator=generator) * 0.2
        pairs[f"{BLOCK}.{name}"] = (up, down)
    lora = spellings.kohya_lora(pairs, 2.0)
    patcher = apply_motion_lora(motion, lora, constant(0.6), "x")
    merged: Any = tiny.motion_patcher("v2").model
    for name, (up, down) in pairs.items():
        merged.get_submodule(name).weight.data += 0.6 * up @ down
    module: Any = patcher.model
    x = torch.randn((2 * FRAMES, 64, 4, 3), generator=generator)
    call = tiny.call(x, FRAMES)
    call = replace(call, beside=beside(patcher, call.run, x.device, x.dtype))
    with torch.inference_mode():
        found = module.module(BLOCK.partition(".temporal")[0])(x, call)
        plain = module.module(BLOCK.partition(".temporal")[0])(x, tiny.call(x, FRAMES))
        expected = merged.module(BLOCK.partition(".temporal")[0])(x, tiny.call(x, FRAMES))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert (found - plain).abs().max() > 0.05


@pytest.mark.parametrize("values", [by_frame, by_place])
@pytest.mark.parametrize("motion_scale", [1.0, by_frame])
def test_each_frame_and_pixel_sees_its_own_weights(values: Any, motion_scale: Any) -> None:
    """An attention by hand: for each frame of each pixel the weights are merged anew."""
    motion = apply_motion_lora(tiny.motion_patcher("v2"), tiny.motion_lora("v2", 5), values, "zoom")
    patcher = apply_motion_lora(motion, tiny.motion_lora("v2", 6), by_place, "pan")
    attention = patcher.model.get_submodule(f"{BLOCK}.attention_blocks.0")
    x = torch.zeros((2 * FRAMES, 64, 4, 3))
    call = tiny.call(x, FRAMES, motion_scale=motion_scale)
    call = replace(call, beside=beside(patcher, call.run, x.device, x.dtype))
    rows = torch.randn((2 * 12, FRAMES, 64), generator=torch.Generator().manual_seed(2))
    scales = scales_at(call, x)
    assert isinstance(scales, Tensor) and scales.shape == (24, FRAMES, 3)

    def merged(name: str, row: int, frame: int) -> Tensor:
        weight = attention.get_submodule(name).weight
        for low_rank, strength in zip(attached(patcher), (values, by_place), strict=True):
            maps = strength(call, 4, 3).expand(-1, 1, 4, 3).reshape(2, FRAMES, 12)
            down, up = low_rank.pairs[f"{BLOCK}.attention_blocks.0.{name}"]
            weight = weight + maps[row // 12, frame, row % 12] * (up @ down)
        return weight

    keys = 1.0 if motion_scale == 1.0 else by_frame(call, 4, 3).view(2, FRAMES)
    with torch.inference_mode():
        positioned: Any = attention.get_submodule("pos_encoder")(rows, {})
        found = attention(rows, call, scales)
        for row, frame in ((0, 0), (7, 3), (12, 1), (23, 2)):
            y = positioned[row]
            q, k, v = (y @ merged(n, row, frame).T for n in ("to_q", "to_k", "to_v"))
            k = k * (keys if isinstance(keys, float) else keys[row // 12].unsqueeze(1))
            heads = [part.unflatten(1, (8, -1)).transpose(0, 1) for part in (q, k, v)]
            mixed = torch.nn.functional.scaled_dot_product_attention(*heads)
            mixed = mixed.transpose(0, 1).flatten(1)[frame]
            bias = attention.get_submodule("to_out.0").bias
            expected = merged("to_out.0", row, frame) @ mixed + bias
            torch.testing.assert_close(found[row, frame], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("schedule", ["batched", "views"])
def test_values_follow_their_frames_into_windows(base: ModelPatcher, schedule: str) -> None:
    noise = windowed.noise_of(8)
    model = apply_motion_model(base, loras(by_place))
    found = windowed.sample_noise(windowed.windowed(model, 4, 0, schedule=schedule), noise)

    def later(call: Call, height: int, width: int) -> Tensor:
        frames = replace(call, run=call.run.within(range(4, 8)))
        return by_place(frames, height, width)

    for start, strength in ((0, by_place), (4, later)):
        alone = apply_motion_model(base, loras(strength))
        expected = windowed.sample_noise(alone, noise[start : start + 4])
        assert by_hand.relative(found[start : start + 4], expected) < 1e-4
    plain = windowed.windowed(apply_motion_model(base, loras()), 4, 0, schedule=schedule)
    assert by_hand.relative(found, windowed.sample_noise(plain, noise)) > 1e-2


def test_overlapping_views(base: ModelPatcher) -> None:
    noise = windowed.noise_of(7)
    found, merged = (
        windowed.sample_noise(
            windowed.windowed(apply_motion_model(base, loras(strength)), schedule="views"), noise
        )
        for strength in (
            lambda call, h, w: torch.full((call.videos * call.frames, 1, h, w), 0.7),
            0.7,
        )
    )
    assert by_hand.relative(found, merged) < 1e-4


def test_one_motion_model_twice_with_others_beside_it(base: ModelPatcher) -> None:
    """They share weights, and neither sees the other's."""
    motion = tiny.motion_patcher("v2")
    both = base
    for seed, strength in ((5, 0.8), (6, -0.6)):
        lora = tiny.motion_lora("v2", seed)
        both = apply_motion_model(both, apply_motion_lora(motion, lora, constant(strength), "x"))
    first, second = (p for group in both.additional_models.values() for p in group)
    assert first.model is second.model
    expected = apply_motion_model(base, loras(0.8, seed=5))
    expected = apply_motion_model(expected, loras(-0.6, seed=6))
    found, merged = (tiny.sample(model, frames=FRAMES) for model in (both, expected))
    assert by_hand.relative(found, merged) < 1e-5


def test_the_motion_model_itself_is_as_it_was() -> None:
    motion = tiny.motion_patcher("v2")
    with_lora = apply_motion_lora(motion, tiny.motion_lora("v2", 5), constant(1.0), "x")
    assert ATTACHMENT not in motion.attachments and not with_lora.patches
    assert len(attached(with_lora.clone())) == 1
    assert len(attached(loras(constant(1.0), constant(2.0)))) == 2


def test_a_dora_over_time_is_refused() -> None:
    lora = dict(tiny.motion_lora("v2", 5))
    key = next(key for key in lora if key.endswith("to_q_lora.up.weight"))
    layer = key.removesuffix(".processor.to_q_lora.up.weight") + ".to_q"
    up, down = lora[key], lora[key.replace(".up.", ".down.")]
    dora = spellings.kohya_lora({layer: (up, down)}, 4.0)
    name = next(k for k in dora if k.endswith(".alpha")).removesuffix(".alpha")
    dora[f"{name}.dora_scale"] = torch.ones(up.shape[0], 1)
    apply_motion_lora(tiny.motion_patcher("v2"), dora, 1.0, "x")
    with pytest.raises(ValueError, match="^zoom is a DoRA, .* Disconnect the strength over time"):
        apply_motion_lora(tiny.motion_patcher("v2"), dora, constant(1.0), "zoom")


def test_a_file_in_float8_over_time_is_what_it_is_in_float32(base: ModelPatcher) -> None:
    """torch multiplies no float8."""
    stored = {key: w.to(torch.float8_e4m3fn) for key, w in tiny.motion_lora("v2", 5).items()}
    motion = tiny.motion_patcher("v2")
    small, wide = (
        sampled(base, apply_motion_lora(motion, tensors, constant(0.7), "lora"))
        for tensors in (stored, {key: w.float() for key, w in stored.items()})
    )
    assert by_hand.relative(small, wide) < 1e-5
