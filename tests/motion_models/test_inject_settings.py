"""Strength, motion scale and the range of sampling do what their names say."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionLayer, MotionSettings
from animatediff_kit.motion_models.load import motion_model
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch.nn import functional

MODULE = "down_blocks.1.motion_modules.1"


def animate(model: ModelPatcher, *settings: float) -> ModelPatcher:
    return apply_motion_model(model, tiny.motion_patcher("v2"), MotionSettings(*settings))


@pytest.mark.parametrize("family", ["v1", "v2"])
def test_strength_0_is_the_base(base: ModelPatcher, family: str) -> None:
    model = apply_motion_model(base, tiny.motion_patcher(family), MotionSettings(0.0))
    assert by_hand.same(tiny.sample(model), tiny.sample(base))
    model = apply_motion_model(base, tiny.motion_patcher(family), MotionSettings(1e-6))
    assert not by_hand.same(tiny.sample(model), tiny.sample(base))


@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_strength_multiplies_the_residual(base: ModelPatcher, strength: float) -> None:
    """One layer inside a run: what comes out less what goes in."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def watch(executor: Any, *args: Any, **kwargs: Any) -> Any:
        unet = executor.class_obj.diffusion_model
        layer = unet.input_blocks[5][2]
        assert isinstance(layer, MotionLayer)
        handle = layer.register_forward_hook(lambda _, x, y: seen.append((x[0].clone(), y.clone())))
        try:
            return executor(*args, **kwargs)
        finally:
            handle.remove()

    model = animate(base, strength)
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "watch", watch)
    tiny.sample(model, steps=1, cfg=1.0)
    [(x, y)] = seen
    module = motion_model(tiny.motion_patcher("v2")).module(MODULE)
    with torch.inference_mode():
        residual = module.temporal_transformer(x, tiny.call(x, 4))
    torch.testing.assert_close(y, x + strength * residual, rtol=1e-5, atol=1e-5)
    assert residual.abs().max() > 0.1


@pytest.mark.parametrize("strength", [0.5, 1.7])
def test_strength_in_every_layer(base: ModelPatcher, strength: float) -> None:
    expected = tiny.sample(by_hand.animated("v2", strength=strength))
    assert by_hand.same(tiny.sample(animate(base, strength)), expected)


@pytest.mark.parametrize("scale", [0.0, 1.3])
def test_motion_scale_multiplies_the_keys(scale: float) -> None:
    """A module against the same one with the scale in the weights of its keys."""
    module: Any = motion_model(tiny.motion_patcher("v2")).module(MODULE)
    scaled: Any = motion_model(tiny.motion_patcher("v2")).module(MODULE)
    for attention in scaled.temporal_transformer.transformer_blocks[0].attention_blocks:
        attention.to_k.weight.data *= scale
    x = torch.randn((8, 64, 4, 4), generator=torch.Generator().manual_seed(1))
    plain, call = tiny.call(x, 4), tiny.call(x, 4, motion_scale=scale)
    with torch.inference_mode():
        torch.testing.assert_close(module(x, call), scaled(x, plain), rtol=1e-5, atol=1e-5)
        assert (module(x, call) - module(x, plain)).abs().max() > 0.01


def test_keys_of_nothing_attend_to_all_frames_alike() -> None:
    """At motion_scale 0 the attention is the mean of the values, whatever the queries are."""
    module: Any = motion_model(tiny.motion_patcher("v2")).module(MODULE)
    attention = module.temporal_transformer.transformer_blocks[0].attention_blocks[0]
    x = torch.randn((3, 4, 64), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        values = functional.linear(attention.pos_encoder(x, {}), attention.to_v.weight)
        mean = attention.to_out[0](values.mean(1, keepdim=True)).expand(-1, 4, -1)
        torch.testing.assert_close(attention(x, Call.alone(3, 4), 0.0), mean, rtol=1e-5, atol=1e-5)


def test_motion_scale_in_every_layer(base: ModelPatcher) -> None:
    expected = tiny.sample(by_hand.animated("v2", motion_scale=1.3))
    frames = tiny.sample(animate(base, 1.0, 1.3))
    assert by_hand.same(frames, expected)
    assert by_hand.relative(frames, tiny.sample(animate(base))) > 0.001


class Watch:
    """APPLY_MODEL wrapper: for each UNet call, sigma and the number of motion layers in it."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, int]] = []

    def __call__(self, executor: Any, x: Any, t: Any, *args: Any, **kwargs: Any) -> Any:
        unet = executor.class_obj.diffusion_model
        layers = sum(isinstance(m, MotionLayer) for m in unet.modules())
        self.calls.append((float(t[0]), layers))
        return executor(x, t, *args, **kwargs)


def watched(model: ModelPatcher, **call: Any) -> list[tuple[float, int]]:
    watch = Watch()
    model = model.clone()
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "watch", watch)
    tiny.sample(model, cfg=1.0, **call)
    return watch.calls


RANGES = [(0.2, 0.7), (0.0, 0.001), (0.999, 1.0), (0.3, 1.0)]


@pytest.mark.parametrize("scheduler", ["normal", "karras"])
@pytest.mark.parametrize(("start", "end"), RANGES)
def test_the_range_is_a_part_of_the_timesteps(
    base: ModelPatcher, start: float, end: float, scheduler: str
) -> None:
    """1000 timesteps run down from 999; the percentage counts them, whatever the scheduler."""
    calls = watched(animate(base, 1.0, 1.0, start, end), steps=10, scheduler=scheduler)
    assert len(calls) == 10
    sampling = base.get_model_object("model_sampling")
    for sigma, layers in calls:
        percent = 1.0 - float(sampling.timestep(torch.tensor([sigma]))) / 999.0
        if min(abs(percent - start), abs(percent - end)) < 0.002:
            continue  # the timestep is rounded to a whole one
        assert layers == (21 if start < percent < end else 0), (sigma, percent)


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.5), (0.5, 1.0)])
def test_both_kinds_of_step_are_in_those_ranges(
    base: ModelPatcher, start: float, end: float
) -> None:
    active = [layers == 21 for _, layers in watched(animate(base, 1, 1, start, end), steps=10)]
    assert active == [start == 0.0] * 5 + [end == 1.0] * 5


@pytest.mark.parametrize(
    ("sampler", "steps"), [("euler", 10), ("euler", 7), ("heun", 6), ("dpmpp_2s_ancestral", 7)]
)
def test_two_ranges_meet_without_gap_or_overlap(
    base: ModelPatcher, sampler: str, steps: int
) -> None:
    first = animate(base, 1.0, 1.0, 0.0, 0.5)
    second = apply_motion_model(
        first, tiny.motion_patcher("v3"), MotionSettings(1.0, 1.0, 0.5, 1.0)
    )
    layers = [n for _, n in watched(second, steps=steps, sampler_name=sampler)]
    assert set(layers) == {21, 20}  # v2's with a middle module, then v3's without
    assert layers == sorted(layers, reverse=True)


def test_the_border_itself_belongs_to_the_second_range(base: ModelPatcher) -> None:
    border = base.get_model_object("model_sampling").percent_to_sigma(0.5)
    model = apply_motion_model(
        animate(base, 1.0, 1.0, 0.0, 0.5),
        tiny.motion_patcher("v3"),
        MotionSettings(1.0, 1.0, 0.5, 1.0),
    )
    watch = Watch()
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "watch", watch)
    sigmas = torch.tensor([20.0, border, 0.0])
    tiny.sample(model, cfg=1.0, sigmas=sigmas)
    assert [layers for _, layers in watch.calls] == [21, 20]


@pytest.mark.parametrize(("start", "end"), [(0.5, 0.5), (0.7, 0.2), (-0.1, 1.0), (0.0, 1.1)])
def test_a_range_that_is_none(base: ModelPatcher, start: float, end: float) -> None:
    with pytest.raises(ValueError, match="start_percent must be below end_percent") as caught:
        animate(base, 1.0, 1.0, start, end)
    assert f"{start:g} to {end:g}" in str(caught.value)
