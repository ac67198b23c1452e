"""The noise schedules of training against diffusers' and against those that ComfyUI samples."""

from __future__ import annotations

import pytest
import torch
from adk_tests.support import tiny
from adk_tests.training import small
from animatediff_kit.motion_models.specs import FAMILIES
from animatediff_kit.sampling.betas import apply_beta_schedule
from animatediff_kit.training.models.noise_schedule import (
    diffuse,
    signal_of_family,
    signal_of_model,
)
from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete
from diffusers import DDPMScheduler
from torch import Tensor

PUBLISHED = {
    # family -> diffusers' name of its schedule, and its last beta
    "v1": ("linear", 0.012),
    "v2": ("linear", 0.012),
    "v3": ("linear", 0.012),
    "AnimateLCM": ("linear", 0.012),
    "SDXL beta": ("scaled_linear", 0.020),
    "HotshotXL": ("scaled_linear", 0.012),
}


def diffusers_signal(curve: str, end: float) -> Tensor:
    scheduler = DDPMScheduler(1000, 0.00085, end, beta_schedule=curve)
    return scheduler.alphas_cumprod.double()


@pytest.mark.parametrize("family", PUBLISHED)
def test_a_familys_schedule_is_the_one_diffusers_trains_with(family):
    model = small.image_model()  # HotshotXL takes the model's own, which is SD1.5's and SDXL's
    ours = signal_of_family(FAMILIES[family], model)
    assert ours.dtype == torch.float64
    torch.testing.assert_close(ours, diffusers_signal(*PUBLISHED[family]), rtol=2e-5, atol=0)


@pytest.mark.parametrize("base", ["SD1.5", "SDXL"])
def test_the_image_models_own_schedule_is_the_scaled_linear_one(base):
    ours = signal_of_model(tiny.image_model(base))
    torch.testing.assert_close(ours, diffusers_signal("scaled_linear", 0.012), rtol=2e-5, atol=0)


@pytest.mark.parametrize("family", ["v1", "v3", "SDXL beta", "HotshotXL"])
def test_training_has_the_sigmas_that_sampling_has(family):
    model = small.image_model()
    signal = signal_of_family(FAMILIES[family], model)
    animated = apply_beta_schedule(model, "automatic", FAMILIES[family])
    sigmas = animated.get_model_object("model_sampling").sigmas.double()
    torch.testing.assert_close(((1 - signal) / signal).sqrt(), sigmas, rtol=1e-5, atol=0)


def test_a_schedule_that_the_graph_put_on_the_model_is_trained_with():
    (patched,) = ModelSamplingDiscrete().patch(small.image_model(), "eps", True)
    signal = signal_of_model(patched)
    assert float(signal[-1]) < 1e-6 < float(signal_of_model(small.image_model())[-1])


def test_a_schedule_of_few_steps_is_refused():
    """LCM's sampling keeps 50 of the 1000 steps; the UNet's steps are 0 to 999 all the same."""
    (patched,) = ModelSamplingDiscrete().patch(small.image_model(), "lcm", False)
    with pytest.raises(ValueError, match="has 50 steps.*1000.*ModelSamplingDiscrete"):
        signal_of_model(patched)


def test_noisy_clips_are_the_formula_with_each_clips_own_step():
    scheduler = DDPMScheduler(1000, 0.00085, 0.012, beta_schedule="linear")
    generator = torch.Generator().manual_seed(0)
    clean, noise = (torch.randn((3, 2, 4, 5, 6), generator=generator) for _ in range(2))
    t = torch.tensor([0, 500, 999])
    signal = signal_of_family(FAMILIES["v3"], small.image_model())[t].float()
    noisy = diffuse(clean, noise, signal)
    assert noisy.dtype == torch.float32
    torch.testing.assert_close(noisy, scheduler.add_noise(clean, noise, t), rtol=1e-5, atol=1e-6)


def test_noisy_clips_keep_the_variance_of_live_ones():
    generator = torch.Generator().manual_seed(0)
    clean, noise = (torch.randn((1, 8, 4, 64, 64), generator=generator) for _ in range(2))
    noisy = diffuse(clean, noise, torch.tensor([0.3]))
    assert float(noisy.var()) == pytest.approx(1.0, abs=0.02)
    correlation = float((noisy * clean).mean())
    assert correlation == pytest.approx(0.3**0.5, abs=0.02)
