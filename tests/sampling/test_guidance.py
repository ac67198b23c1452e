"""Guidance on a model, against the sampler's own."""

from __future__ import annotations

import logging
from typing import Any

import comfy.samplers
import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.call import Call
from animatediff_kit.sampling.apply_windows import apply_context_windows
from animatediff_kit.sampling.guidance import end_guidance, set_guidance
from animatediff_kit.sampling.windows import WindowSettings
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_cfg import CFGZeroStar
from comfy_extras.nodes_custom_sampler import BasicGuider, DualCFGGuider
from comfy_extras.nodes_mahiro import Mahiro
from comfy_extras.nodes_perpneg import PerpNegGuider
from torch import Tensor

FRAMES = 5


@pytest.mark.parametrize("cfg", [0.0, 1.0, 4.5])
def test_a_number_is_the_samplers_own(cfg: float, still: ModelPatcher) -> None:
    frames = tiny.sample(set_guidance(still, cfg), cfg=8.0)
    assert torch.equal(frames, tiny.sample(still, cfg=cfg))
    assert not torch.allclose(frames, tiny.sample(still, cfg=8.0), atol=1e-2)


def test_the_guider_has_its_own_back(still: ModelPatcher) -> None:
    guided = set_guidance(still, lambda call, height, width: ramp(call))
    guider = comfy.samplers.CFGGuider(guided)
    guider.set_cfg(8.0)
    guider.set_conds(tiny.prompt(11), tiny.prompt(12))
    sampler = comfy.samplers.sampler_object("euler")
    noise, sigmas = windowed.noise_of(FRAMES), torch.tensor([2.0, 1.0, 0.0])
    with torch.inference_mode():
        guider.sample(noise, torch.zeros_like(noise), sampler, sigmas, disable_pbar=True, seed=1)
    assert guider.cfg == 8.0
    assert "sampler_cfg_function" not in {**guider.model_options, **still.model_options}


def ramp(call: Call) -> Tensor:
    """1, 2, 3... over the frames of a video."""
    return (torch.tensor(call.indices) + 1.0).view(-1, 1, 1, 1)


@pytest.mark.parametrize("windows", [False, True])
def test_a_number_a_frame(windows: bool, still: ModelPatcher) -> None:
    """Without a motion model, each frame is as one sampled with its number."""
    model = apply_context_windows(still, WindowSettings(3, 1)) if windows else still
    guided = set_guidance(model, lambda call, height, width: ramp(call))
    frames = tiny.sample(guided, frames=FRAMES, cfg=1.0)
    for frame in range(FRAMES):
        expected = tiny.sample(still, frames=FRAMES, cfg=frame + 1.0)[frame]
        assert torch.allclose(frames[frame], expected, atol=1e-4), frame


def test_values_over_the_steps(still: ModelPatcher) -> None:
    seen: list[float] = []

    def falling(call: Call, height: int, width: int) -> float:
        seen.append(call.progress)
        return 3.0 - call.progress

    tiny.sample(set_guidance(still, falling), steps=4)
    assert seen == [0.0, 0.25, 0.5, 0.75]


def test_another_nodes_function_has_the_values(still: ModelPatcher) -> None:
    model = still.clone()
    scales: list[Any] = []

    def halved(args: dict[str, Any]) -> Tensor:
        scales.append(args["cond_scale"])
        return args["uncond"] + 0.5 * (args["cond"] - args["uncond"]) * args["cond_scale"]

    model.set_model_sampler_cfg_function(halved)
    frames = tiny.sample(set_guidance(model, lambda *_: 4.0))
    assert torch.allclose(frames, tiny.sample(still, cfg=2.0), atol=1e-5)
    assert scales == [4.0, 4.0]


def by_guider(node: Any, model: ModelPatcher, *prompts: Any, **more: Any) -> Tensor:
    guider = node.execute(model, *prompts, **more).result[0]
    noise, sigmas = windowed.noise_of(FRAMES), torch.tensor([2.0, 1.0, 0.0])
    sampler = comfy.samplers.sampler_object("euler")
    with torch.inference_mode():
        return guider.sample(
            noise, torch.zeros_like(noise), sampler, sigmas, disable_pbar=True, seed=1
        )


POSITIVE, MIDDLE, NEGATIVE = (tiny.prompt(seed) for seed in (11, 13, 12))
DUAL = (
    DualCFGGuider,
    (POSITIVE, MIDDLE, NEGATIVE),
    dict(cfg_conds=4.0, cfg_cond2_negative=6.0, style="regular"),
)
PERP_NEG = (PerpNegGuider, (POSITIVE, NEGATIVE, MIDDLE), dict(cfg=4.0, neg_scale=1.0))


@pytest.mark.parametrize(
    ("guider", "cfg", "told"),
    [
        ((BasicGuider, (POSITIVE,), {}), 7.0, "has no negative prompt to be guided away from"),
        ((BasicGuider, (POSITIVE,), {}), None, "has no negative prompt to be guided away from"),
        (DUAL, 7.0, "is guided in another way than by one number"),
        (DUAL, None, "is guided in another way than by one number"),
        (PERP_NEG, None, "takes one number alone, and no values over time"),
    ],
)
def test_a_guider_that_does_not_follow_stays_as_it_is(
    guider: Any, cfg: float | None, told: str, still: ModelPatcher, caplog: Any
) -> None:
    """cfg: None for values over time"""
    node, prompts, more = guider
    plain = by_guider(node, still, *prompts, **more)
    guided = set_guidance(still, (lambda *_: 7.0) if cfg is None else cfg)
    with caplog.at_level(logging.WARNING, logger="animatediff_kit"):
        assert torch.equal(by_guider(node, guided, *prompts, **more), plain)
    (message,) = [r.getMessage() for r in caplog.records if r.name.endswith("sampling.guidance")]
    assert message.startswith("The guidance on the model has no effect: ")
    assert message.endswith(f" {told}.")


def test_guiders_that_follow_a_number(still: ModelPatcher, caplog: Any) -> None:
    node, prompts, more = PERP_NEG
    expected = by_guider(node, still, *prompts, **{**more, "cfg": 7.0})
    with caplog.at_level(logging.WARNING, logger="animatediff_kit"):
        assert torch.equal(by_guider(node, set_guidance(still, 7.0), *prompts, **more), expected)
        alone = by_guider(BasicGuider, still, POSITIVE)
        assert torch.equal(by_guider(BasicGuider, set_guidance(still, 1.0), POSITIVE), alone)
    assert not caplog.records


@pytest.mark.parametrize("node", [Mahiro, CFGZeroStar])
def test_nodes_behind_and_before_are_told_the_values(node: Any, still: ModelPatcher) -> None:
    """A value that is the same everywhere is what the sampler's own number is."""
    model = node.execute(still).result[0]
    heard: list[Any] = []

    def hear(args: dict[str, Any]) -> Any:
        heard.append(args["cond_scale"])
        return args["conds_out"]

    model.set_model_sampler_pre_cfg_function(hear)
    expected = tiny.sample(model, cfg=7.0)
    assert not torch.allclose(expected, tiny.sample(still, cfg=7.0), atol=1e-2)
    assert torch.allclose(tiny.sample(set_guidance(model, lambda *_: 7.0)), expected, atol=1e-4)
    frames = tiny.sample(
        set_guidance(model, lambda call, height, width: ramp(call)), frames=FRAMES, cfg=1.0
    )
    for frame in range(FRAMES):
        alone = tiny.sample(model, frames=FRAMES, cfg=frame + 1.0)[frame]
        if node is CFGZeroStar and frame:  # it sees each frame by itself
            assert torch.allclose(frames[frame], alone, atol=1e-3), frame
    assert any(isinstance(scale, Tensor) and scale.shape == (FRAMES, 1, 1, 1) for scale in heard)
    assert heard[0] == 7.0 and set_guidance(model, 2.0).model_options["sampler_post_cfg_function"]


def test_below_zero(still: ModelPatcher) -> None:
    with pytest.raises(ValueError, match="^A guidance of -1 would flee the prompt; it must be at "):
        set_guidance(still, -1.0)


@pytest.mark.parametrize("windows", [False, True])
def test_guidance_that_ends(windows: bool, still: ModelPatcher) -> None:
    """Above the noise level both prompts, below it the positive one in half the latents; as a run
    of two stages, the second at a guidance of 1."""
    model = apply_context_windows(still, WindowSettings(3, 1)) if windows else still
    sigmas = comfy.samplers.calculate_sigmas(still.get_model_object("model_sampling"), "normal", 4)
    ending, calls = windowed.recorded(end_guidance(model, float(sigmas[1])))
    frames = tiny.sample(ending, frames=FRAMES, steps=4, cfg=6.0)
    each = 2 if windows else 1
    length = 3 if windows else FRAMES
    assert calls.batches == [2 * length] * 2 * each + [length] * 2 * each
    noise = windowed.noise_of(FRAMES)
    first = windowed.sample_noise(model, noise, steps=4, cfg=6.0, last_step=2)
    more = dict(steps=4, cfg=1.0, start_step=2, latent_image=first)
    latent = windowed.sample_noise(model, torch.zeros_like(noise), **more)
    whole = windowed.sample_noise(end_guidance(model, float(sigmas[1])), noise, steps=4, cfg=6.0)
    assert by_hand.relative(whole, latent) < 10 * windowed.ROUNDING
    assert by_hand.relative(frames, tiny.sample(model, frames=FRAMES, steps=4, cfg=6.0)) > 0.003
    assert torch.equal(tiny.sample(end_guidance(model, 0.0), FRAMES), tiny.sample(model, FRAMES))


def test_where_guidance_ends_values_over_frames_end_too(still: ModelPatcher) -> None:
    guided = set_guidance(still, lambda call, height, width: ramp(call))
    frames = tiny.sample(end_guidance(guided, 1e9), FRAMES)
    assert torch.equal(frames, tiny.sample(still, FRAMES, cfg=1.0))
