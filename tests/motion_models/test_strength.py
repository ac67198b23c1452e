"""Strength and motion scale as values over frames, steps and pixels."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.motion_models.strength import by_pixel, values_at
from comfy.model_patcher import ModelPatcher
from torch import Tensor

FRAMES = 4


def by_frame(call: Call, height: int, width: int) -> Tensor:
    """Another value for each frame of the video: 0.2, 0.5, 0.8..."""
    values = torch.tensor([0.2 + 0.3 * frame for frame in call.indices])
    return values.repeat(call.videos).view(-1, 1, 1, 1)


def by_place(call: Call, height: int, width: int) -> Tensor:
    """Another value for each frame and pixel."""
    ramp = torch.linspace(0.5, 1.5, width).expand(1, 1, height, width)
    return by_frame(call, height, width) * ramp


def by_step(call: Call, height: int, width: int) -> float:
    return 1.0 - call.progress


def animated(base: ModelPatcher, family: str = "v2", **settings: Any) -> ModelPatcher:
    return apply_motion_model(base, tiny.motion_patcher(family), MotionSettings(**settings))


def module_of(seed: int = 1) -> tuple[Any, Tensor]:
    model: Any = tiny.motion_patcher("v2").model
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((2 * FRAMES, 64, 4, 3), generator=generator)
    return model.module("down_blocks.1.motion_modules.1"), x


def test_values_multiply_the_residual_of_their_frame_and_pixel() -> None:
    module, x = module_of()
    with torch.inference_mode():
        residual = module.temporal_transformer(x, tiny.call(x, FRAMES))
        found = module(x, tiny.call(x, FRAMES, strength=by_place))
    values = by_place(tiny.call(x, FRAMES), 4, 3)
    torch.testing.assert_close(found, x + values * residual)
    assert residual.abs().min(0).values.max() > 0.01


def test_one_number_from_a_callable_is_the_number() -> None:
    module, x = module_of()
    with torch.inference_mode():
        for name in ("strength", "motion_scale"):
            number = module(x, tiny.call(x, FRAMES, **{name: 0.7}))
            found = module(x, tiny.call(x, FRAMES, **{name: lambda *_: 0.7}))
            assert torch.equal(found, number)


@pytest.mark.parametrize("values", [by_frame, by_place])
def test_a_motion_scale_multiplies_the_keys_of_its_frame_and_pixel(values: Any) -> None:
    """Attention by itself: keys scaled by hand."""
    module, x = module_of()
    attention = module.temporal_transformer.transformer_blocks[0].attention_blocks[0]
    call = tiny.call(x, FRAMES)
    rows = torch.randn((2 * 12, FRAMES, 64), generator=torch.Generator().manual_seed(2))
    scale = by_pixel(values(call, 4, 3), 2, 12)
    assert isinstance(scale, Tensor)
    with torch.inference_mode():
        y = attention.pos_encoder(rows, {})
        layers = (attention.to_q, attention.to_k, attention.to_v)
        heads = [layer(y).unflatten(2, (8, -1)).transpose(1, 2) for layer in layers]
        keys = heads[1] * scale.unsqueeze(1)
        expected = torch.nn.functional.scaled_dot_product_attention(heads[0], keys, heads[2])
        expected = attention.to_out[0](expected.transpose(1, 2).flatten(2))
        torch.testing.assert_close(attention(rows, call, scale), expected, rtol=1e-4, atol=1e-5)
    for video in range(2):
        for pixel in (0, 5, 11):
            there = values(call, 4, 3).expand(-1, 1, 4, 3).reshape(2, FRAMES, 12)
            assert torch.equal(scale[video * 12 + pixel, :, 0], there[video, :, pixel])


@pytest.mark.parametrize("name", ["strength", "motion_scale"])
def test_the_same_value_for_all_is_the_number(base: ModelPatcher, name: str) -> None:
    def same(call: Call, height: int, width: int) -> Tensor:
        return torch.full((call.videos * call.frames, 1, 1, 1), 0.6)

    number = tiny.sample(animated(base, **{name: 0.6}), frames=FRAMES)
    found = tiny.sample(animated(base, **{name: same}), frames=FRAMES)
    assert by_hand.relative(found, number) < 1e-5
    assert by_hand.relative(found, tiny.sample(animated(base), frames=FRAMES)) > 1e-3


@pytest.mark.parametrize("name", ["strength", "motion_scale"])
def test_views_of_one_window_give_what_the_batch_gives(base: ModelPatcher, name: str) -> None:
    """Disjoint views against windows side by side: every value follows its frame and pixel."""
    model, noise = animated(base, **{name: by_place}), windowed.noise_of(8)
    views, windows = (
        windowed.sample_noise(windowed.windowed(model, 4, 0, schedule=schedule), noise, steps=1)
        for schedule in ("views", "batched")
    )
    assert by_hand.relative(views, windows) < 1e-4
    plain = windowed.windowed(animated(base), 4, 0, schedule="batched")
    assert by_hand.relative(windows, windowed.sample_noise(plain, noise, steps=1)) > 1e-3


def test_overlapping_views_scale_keys_window_by_window(base: ModelPatcher) -> None:
    """A value that is the same for all frames, through the blend of windows."""
    noise = windowed.noise_of(7)
    number, values = (
        windowed.sample_noise(
            windowed.windowed(animated(base, motion_scale=scale), schedule="views"), noise, steps=1
        )
        for scale in (1.4, lambda call, h, w: torch.full((call.videos * call.frames, 1, h, w), 1.4))
    )
    assert by_hand.relative(values, number) < 1e-4


def test_values_follow_their_frames_into_windows(base: ModelPatcher) -> None:
    """A strength of 0 but for frames 4 to 6: the first window's frames stand still."""

    def late(call: Call, height: int, width: int) -> Tensor:
        values = torch.tensor([float(frame >= 4) for frame in call.indices])
        return values.repeat(call.videos).view(-1, 1, 1, 1)

    noise = windowed.noise_of(8)
    model = windowed.windowed(animated(base, strength=late), 4, 0, schedule="batched")
    found = windowed.sample_noise(model, noise)
    still = windowed.sample_noise(base, noise)
    moving = windowed.sample_noise(
        windowed.windowed(animated(base), 4, 0, schedule="batched"), noise
    )
    assert by_hand.relative(found[:4], still[:4]) < 1e-5
    assert by_hand.relative(found[4:], moving[4:]) < 1e-5
    assert by_hand.relative(moving[:4], still[:4]) > 1e-2


def test_values_over_steps(base: ModelPatcher) -> None:
    seen: list[float] = []

    def counted(call: Call, height: int, width: int) -> float:
        seen.append(call.progress)
        return by_step(call, height, width)

    tiny.sample(animated(base, strength=counted), frames=2, steps=4)
    assert sorted(set(seen)) == [0.0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize("shape", [(4,), (4, 1, 8, 8), (8, 1, 8, 4), (8, 3, 8, 8), (1, 1, 8, 8)])
def test_a_tensor_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    x = torch.zeros(8, 32, 8, 8)
    with pytest.raises(ValueError) as caught:
        values_at(lambda *_: torch.ones(shape), Call.alone(2, 4), x)
    assert str(caught.value) == (
        f"A strength over frames gave a tensor of shape {list(shape)} for 2 videos of 4 frames at "
        "8x8; it must be a number, or a tensor of shape [8, 1, 8, 8]."
    )
