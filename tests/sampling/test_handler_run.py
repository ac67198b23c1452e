"""Sampling in windows with core's own samplers: what the whole batch gives, window by window."""

from __future__ import annotations

from typing import Any

import comfy.model_management
import comfy.samplers
import comfy.utils
import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.sampling.fuse import FUSE_METHODS, fuse_weights
from animatediff_kit.sampling.windows import SCHEDULES, VIEWS, WindowSettings, windows_of
from comfy.model_patcher import ModelPatcher
from comfy_extras import nodes_custom_sampler
from torch import Tensor

FRAMES, LENGTH = windowed.FRAMES, windowed.LENGTH


@pytest.mark.parametrize("sampler", comfy.samplers.SAMPLER_NAMES)
def test_every_sampler_gives_the_whole_batch(still: ModelPatcher, sampler: str) -> None:
    call: dict[str, Any] = dict(
        steps=3, sampler_name=sampler, positive=windowed.frame_prompts(11, 5)
    )
    model, calls = windowed.recorded(windowed.windowed(still, 3, 1))
    frames = tiny.sample(model, 5, **call)
    assert set(calls.batches) <= {3, 6}, "not in windows"
    assert by_hand.relative(frames, tiny.sample(still, 5, **call)) < windowed.ROUNDING


WAYS = [
    *(("standard_static", fuse) for fuse in FUSE_METHODS),
    *((schedule, "pyramid") for schedule in list(SCHEDULES)[1:]),
]


@pytest.mark.parametrize(("schedule", "fuse"), WAYS)
def test_every_schedule_gives_the_whole_batch(
    still: ModelPatcher, schedule: str, fuse: str
) -> None:
    model = windowed.windowed(still, schedule=schedule, fuse=fuse, stride=2)
    frames = tiny.sample(model, FRAMES, steps=3)
    assert by_hand.relative(frames, tiny.sample(still, FRAMES, steps=3)) < windowed.ROUNDING


@pytest.mark.parametrize(("schedule", "fuse"), WAYS)
def test_one_window_over_all_frames_is_none_bit_for_bit(
    animated: ModelPatcher, schedule: str, fuse: str
) -> None:
    model = windowed.windowed(animated, schedule=schedule, fuse=fuse)
    for frames in (3, LENGTH) if fuse == "pyramid" else (LENGTH,):
        assert by_hand.same(tiny.sample(model, frames), tiny.sample(animated, frames))


@pytest.mark.parametrize("fuse", FUSE_METHODS)
@pytest.mark.parametrize(
    "schedule", ["standard_static", "looped_uniform", "closed loop", "batched"]
)
def test_frames_are_the_weighted_means_of_their_windows(
    animated: ModelPatcher, schedule: str, fuse: str
) -> None:
    """After one Euler step a latent is the model's prediction: each window's is sampled alone."""
    closed = schedule == "closed loop"
    schedule = "looped_uniform" if closed else schedule
    settings = WindowSettings(LENGTH, 1, 1, schedule, fuse, closed)
    noise = windowed.noise_of()
    total, weight = torch.zeros_like(noise), torch.zeros(FRAMES, 1, 1, 1)
    for window in windows_of(FRAMES, settings):
        alone = windowed.sample_noise(animated, noise[window], steps=1)
        weights = torch.tensor(fuse_weights(window, FRAMES, settings)).view(-1, 1, 1, 1)
        total[window] += weights * alone
        weight[window] += weights
    model = windowed.windowed(animated, schedule=schedule, fuse=fuse, closed_loop=closed)
    frames = windowed.sample_noise(model, noise, steps=1)
    assert by_hand.relative(frames, total / weight) < windowed.ROUNDING


@pytest.mark.parametrize(
    ("schedule", "sampler"),
    [("standard_static", "dpm_2"), ("batched", "euler"), (VIEWS, "euler")],
)
def test_two_stages_are_one(animated: ModelPatcher, schedule: str, sampler: str) -> None:
    model = windowed.windowed(animated, schedule=schedule)
    call = dict(sampler_name=sampler)
    once = windowed.advanced(model, noise=True, start=0, end=4, latent=windowed.empty(), **call)
    first = windowed.advanced(model, noise=True, start=0, end=2, latent=windowed.empty(), **call)
    second = windowed.advanced(model, noise=False, start=2, end=4, latent=first, **call)
    assert by_hand.relative(second["samples"], once["samples"]) < windowed.ROUNDING
    assert by_hand.relative(first["samples"], once["samples"]) > 0.1


def test_the_second_stage_may_have_other_windows_or_none(animated: ModelPatcher) -> None:
    first = windowed.advanced(
        windowed.windowed(animated), noise=True, start=0, end=2, latent=windowed.empty()
    )
    for model, largest in ((animated, 2 * FRAMES), (windowed.windowed(animated, 5, 2), 10)):
        model, calls = windowed.recorded(model)
        second = windowed.advanced(model, noise=False, start=2, end=4, latent=first)
        assert set(calls.batches) == {largest} and second["samples"].isfinite().all()


@pytest.mark.parametrize("guider", ["CFG", "basic", "dual CFG"])
def test_sampler_custom_advanced(still: ModelPatcher, guider: str) -> None:
    """Guiders with one, two and three prompts."""
    nodes = nodes_custom_sampler
    positive, other, negative = (windowed.frame_prompts(seed) for seed in (11, 31, 51))

    def guide(model: ModelPatcher) -> Any:
        if guider == "basic":
            return nodes.BasicGuider.execute(model, positive).result[0]
        if guider == "CFG":
            return nodes.CFGGuider.execute(model, positive, negative, 3.0).result[0]
        prompts = (positive, other, negative)
        return nodes.DualCFGGuider.execute(model, *prompts, 3.0, 2.0, "regular").result[0]

    def sample(model: ModelPatcher) -> Tensor:
        (noise,) = nodes.RandomNoise.execute(5).result
        (sampler,) = nodes.KSamplerSelect.execute("dpmpp_2m").result
        (sigmas,) = nodes.BasicScheduler.execute(model, "karras", 3, 1.0).result
        with torch.inference_mode():
            latents = nodes.SamplerCustomAdvanced.execute(
                noise, guide(model), sampler, sigmas, windowed.empty()
            ).result
        return latents[0]["samples"]

    model, calls = windowed.recorded(windowed.windowed(still))
    assert by_hand.relative(sample(model), sample(still)) < windowed.ROUNDING
    prompts = {"basic": 1, "CFG": 2, "dual CFG": 3}[guider]
    assert calls.batches == [prompts * LENGTH] * 6
