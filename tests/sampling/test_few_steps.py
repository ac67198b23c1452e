"""Distilled motion models: a warning for what they cannot be sampled with, for nothing else."""

from __future__ import annotations

import logging

import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.motion_models.specs import FAMILIES
from animatediff_kit.motion_models.strength import Strength
from animatediff_kit.sampling.betas import apply_beta_schedule
from animatediff_kit.sampling.few_steps import check_few_steps
from animatediff_kit.sampling.free_init import FreeInitSampler
from animatediff_kit.sampling.guidance import set_guidance
from comfy.samplers import CFGGuider, calculate_sigmas, sampler_object


def warnings(
    caplog: pytest.LogCaptureFixture,
    family: str,
    sampler: str = "euler",
    scheduler: str = "sgm_uniform",
    steps: int = 4,
    cfg: float = 1.0,
    repeat: int = 0,
    on_model: Strength | None = None,
) -> list[str]:
    model = apply_beta_schedule(tiny.image_model(), "automatic", FAMILIES[family])
    model = check_few_steps(check_few_steps(model, FAMILIES[family]), FAMILIES[family])
    guider = CFGGuider(model if on_model is None else set_guidance(model, on_model))
    guider.set_conds(tiny.prompt(1), tiny.prompt(2))
    guider.set_cfg(cfg)
    sigmas = calculate_sigmas(model.get_model_object("model_sampling"), scheduler, steps)
    chosen = sampler_object(sampler)
    if repeat:
        chosen = FreeInitSampler(chosen, repeat, "butterworth")
    noise = torch.randn(2, 4, 8, 8)
    with caplog.at_level(logging.WARNING), torch.inference_mode():
        caplog.clear()
        guider.sample(noise, torch.zeros_like(noise), chosen, sigmas, disable_pbar=True, seed=1)
    return [r.getMessage() for r in caplog.records if r.name.endswith("sampling.few_steps")]


@pytest.mark.parametrize(
    ("family", "sampler"),
    [("AnimateLCM", "lcm"), ("AnimateLCM", "euler"), ("Lightning", "euler"), ("v2", "dpmpp_2m")],
)
def test_what_works_is_not_warned_of(
    caplog: pytest.LogCaptureFixture, family: str, sampler: str
) -> None:
    for steps in (4, 8):
        assert not warnings(caplog, family, sampler, steps=steps)
    assert not warnings(caplog, family, sampler, repeat=2)


def test_the_guidance_on_the_model_counts(caplog: pytest.LogCaptureFixture) -> None:
    assert not warnings(caplog, "AnimateLCM", "lcm", cfg=8.0, on_model=1.0)
    assert not warnings(caplog, "AnimateLCM", "lcm", cfg=8.0, on_model=lambda *_: 1.0)
    (told,) = warnings(caplog, "AnimateLCM", "lcm", cfg=1.0, on_model=8.0)
    assert "cannot work with a cfg of 8. " in told


def test_many_steps_families_take_anything(caplog: pytest.LogCaptureFixture) -> None:
    assert not warnings(caplog, "v3", "heun", "karras", 20, 8.0)


@pytest.mark.parametrize("repeat", [0, 2])
def test_all_that_is_wrong_is_said_at_once(caplog: pytest.LogCaptureFixture, repeat: int) -> None:
    told = warnings(caplog, "AnimateLCM", "dpmpp_2m", "karras", 20, 7.5, repeat)
    assert told == [
        "AnimateLCM was distilled to few steps and cannot work with the sampler dpmpp_2m, a cfg of "
        "7.5, 20 steps. Set the sampler lcm, the scheduler sgm_uniform, 4 to 8 steps and a cfg of "
        "1."
    ]


def test_noise_levels_that_end_at_none_waste_a_step(caplog: pytest.LogCaptureFixture) -> None:
    (told,) = warnings(caplog, "Lightning", scheduler="normal")
    assert told == (
        "Lightning was distilled to few steps and cannot work with noise levels that end at 0.029. "
        "Set the sampler euler, the scheduler sgm_uniform, 4 to 8 steps and a cfg of 1."
    )
    assert not warnings(caplog, "AnimateLCM", "lcm", "normal")


def test_a_motion_model_of_many_steps_takes_the_warning_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = check_few_steps(tiny.image_model(), FAMILIES["Lightning"])
    model = check_few_steps(model, FAMILIES["v2"])
    with caplog.at_level(logging.WARNING):
        tiny.sample(model, frames=2)
    assert not caplog.records
