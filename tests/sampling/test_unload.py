"""A model without what this pack has put on it is the model as it came in."""

from __future__ import annotations

import torch
from adk_tests.motion_models.test_domain_adapter import adapter
from adk_tests.support import tiny, windowed
from animatediff_kit.motion_models.domain_adapter import apply_domain_adapter
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.sampling.apply_windows import apply_context_windows
from animatediff_kit.sampling.betas import set_beta_schedule
from animatediff_kit.sampling.entries import count_entries
from animatediff_kit.sampling.guidance import set_guidance
from animatediff_kit.sampling.model_noise import NoiseSettings, set_noise
from animatediff_kit.sampling.unload import without_animation
from animatediff_kit.sampling.windows import WindowSettings
from comfy.model_patcher import ModelPatcher


def test_all_of_it_is_off(still: ModelPatcher) -> None:
    scheduled = set_beta_schedule(still, "AnimateDiff")
    scheduled.model_options["another"] = "kept"
    model = count_entries(apply_motion_model(scheduled, tiny.motion_patcher("v2")))
    model = apply_context_windows(model, WindowSettings(4, 1))
    model = set_noise(set_guidance(model, 5.0), NoiseSettings())
    plain = without_animation(model)
    noise = windowed.noise_of()
    expected, found, moved = (windowed.sample_noise(m, noise) for m in (scheduled, plain, model))
    assert torch.equal(found, expected) and not torch.allclose(moved, expected, atol=1e-2)
    assert plain.model_options["another"] == "kept"
    assert not plain.additional_models and "context_handler" not in plain.model_options
    assert model.additional_models and "context_handler" in model.model_options


def test_a_domain_adapter_stays_whatever_its_scale(still: ModelPatcher) -> None:
    """One number is merged into the weights, values over time are computed beside them."""
    noise = windowed.noise_of()
    unmoved = windowed.sample_noise(still, noise)
    for scale in (0.8, lambda call, height, width: 0.8):
        adapted = apply_domain_adapter(still, adapter(), scale, "adapter")
        expected = windowed.sample_noise(adapted, noise)
        moved = apply_motion_model(adapted, tiny.motion_patcher("v2"))
        found = windowed.sample_noise(without_animation(moved), noise)
        assert torch.equal(found, expected) and not torch.allclose(found, unmoved, atol=1e-2)
