"""The temporal convolution of the paper's ablation: as large as the transformer, nothing at first,
trained by the same engine, and animated by the same sampler."""

from __future__ import annotations

import pytest
import torch
from adk_tests.support import tiny
from adk_tests.training.sampled import STEPS, noisy_clips, predicted_noise
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.small_world.temporal_convolution import (
    TemporalConvolution,
    convolution_module,
    convolutions,
)
from animatediff_kit.training.engine.losses import clip_errors
from animatediff_kit.training.models import stages
from animatediff_kit.training.models.stages import DeviceAndDtype, Trainee

CPU = DeviceAndDtype(torch.device("cpu"), torch.float32)


def count(trainee: Trainee) -> int:
    return sum(parameter.numel() for parameter in trainee.parameters.values())


def test_it_has_as_many_parameters_as_the_transformer() -> None:
    model = tiny.image_model()
    transformer = stages.motion_module(model, None, "v3", 0, CPU)
    convolution = convolution_module(model, 0, CPU)
    assert count(convolution) == pytest.approx(count(transformer), rel=0.01)
    assert convolution.denoiser.motion is not None
    assert {name.split(".temporal_transformer")[0] for name in convolution.parameters} == {
        name.split(".temporal_transformer")[0] for name in transformer.parameters
    }


def test_a_new_one_changes_nothing_and_a_live_one_mixes_frames() -> None:
    torch.manual_seed(0)
    module = TemporalConvolution(32)
    clip = torch.randn(2 * 6, 32, 3, 3)
    call = tiny.call(clip, 6)
    assert not module(clip, call).any()
    torch.nn.init.normal_(module.proj_out.weight)
    before = module(clip, call)
    changed = clip.clone()
    changed[0] += torch.randn(32, 3, 3)  # the first frame of the first clip
    moved = (module(changed, call) - before).flatten(1).abs().amax(1)
    assert (moved[:6] > 1e-4).all()
    assert not moved[6:].any()
    swapped = module(clip[[1, 0, *range(2, 12)]], call)[[1, 0, *range(2, 12)]]
    assert not torch.allclose(swapped[:6], before[:6], atol=1e-3)


def test_a_training_step_reaches_every_weight() -> None:
    trainee = convolution_module(tiny.image_model(), 0, CPU)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in trainee.parameters.items():
        if "proj_out" in name:
            with torch.no_grad():
                parameter.normal_(generator=generator)
    noisy, noise = torch.randn((2, 2, 5, 4, 8, 8), generator=generator)
    text = torch.randn((2, 7, tiny.CONTEXT), generator=generator)
    with trainee.denoiser.animated(2, 5):
        predicted = trainee.denoiser(noisy, torch.tensor([10, 700]), text, None)
        clip_errors(predicted, noise).mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in trainee.parameters.values())


def test_sampling_computes_what_was_trained() -> None:
    """The file's weights in a patcher, applied to the model as any motion model."""
    model = tiny.image_model()
    trainee = convolution_module(model, 0, CPU)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in trainee.parameters.values():
            parameter.normal_(std=0.1, generator=generator)
    patcher = convolutions({k: p.detach() for k, p in trainee.parameters.items()}, model)
    animated = apply_motion_model(model, patcher)
    noisy, t = noisy_clips(), torch.tensor(STEPS)
    text = torch.randn((2, 7, tiny.CONTEXT), generator=generator)
    sampled = predicted_noise(animated, noisy, t, text)
    with torch.no_grad(), trainee.denoiser.animated(2, noisy.shape[1]):
        trained = trainee.denoiser(noisy, t, text, None)
    assert torch.allclose(sampled.float(), trained, atol=1e-4)
    assert not torch.allclose(predicted_noise(model, noisy, t, text).float(), trained, atol=1e-2)
