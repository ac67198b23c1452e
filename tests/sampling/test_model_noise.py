"""Noise on a model, against torch's own draws."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from adk_tests.support import windowed
from animatediff_kit.sampling.apply_windows import apply_context_windows
from animatediff_kit.sampling.free_noise import repeat_noise
from animatediff_kit.sampling.model_noise import NoiseSettings, set_noise
from animatediff_kit.sampling.windows import WindowSettings
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from nodes import KSampler

FRAMES, LENGTH, OVERLAP = 7, 4, 1
SEED = 2**64 - 2


def randn(seed: int, frames: int = FRAMES) -> Tensor:
    generator = torch.Generator().manual_seed(seed % 2**64)
    return torch.randn((frames, 4, 8, 8), generator=generator)


def noise(kind: str, seed: int = 5, windows: Any = (LENGTH, OVERLAP), **more: Any) -> Tensor:
    return NoiseSettings(kind, **more).noise(torch.zeros((FRAMES, 4, 8, 8)), seed, windows)


def test_each_noise_by_hand() -> None:
    plain = randn(5)
    assert torch.equal(noise("random"), plain)
    assert torch.equal(noise("constant"), randn(5, 1).expand(FRAMES, -1, -1, -1))
    assert torch.equal(noise("repeated"), torch.cat([plain[:LENGTH], plain[: FRAMES - LENGTH]]))
    assert torch.equal(noise("FreeNoise"), repeat_noise(plain, LENGTH, OVERLAP, 5))
    assert torch.equal(noise("empty"), torch.zeros_like(plain))
    own = noise("FreeNoise", windows=(6, 2), length=LENGTH, overlap=OVERLAP)
    assert torch.equal(own, noise("FreeNoise"))


def test_offsets_and_generators() -> None:
    assert torch.equal(noise("random", batch_offset=2), randn(5, FRAMES + 2)[2:])
    assert torch.equal(noise("random", seed_offset=3), randn(8))
    each = torch.cat([randn(5 + 1 + i, 1) for i in range(FRAMES)])
    settings: dict[str, Any] = dict(generator="a seed for each frame", batch_offset=1)
    assert torch.equal(noise("random", **settings), each)
    assert torch.equal(noise("constant", **settings), each[:1].expand(FRAMES, -1, -1, -1))
    assert torch.equal(noise("FreeNoise", seed_offset=3), repeat_noise(randn(8), 4, 1, 8))
    assert torch.equal(noise("random", SEED, seed_offset=2), randn(0))
    last = noise("random", SEED, generator="a seed for each frame")[2:3]
    assert torch.equal(last, randn(0, 1))


@pytest.mark.parametrize(
    ("windows", "where"),
    [(None, "without context windows"), ((FRAMES, 2), f"in a window of {FRAMES}")],
)
def test_nothing_to_repeat(windows: Any, where: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert torch.equal(noise("FreeNoise", windows=windows), randn(5))
    (record,) = caplog.records
    assert record.getMessage() == (
        f"The noise FreeNoise has nothing to repeat: 7 frames are sampled {where}."
    )


def ksample(model: ModelPatcher, latent: Any, seed: int = 5) -> Tensor:
    conds = windowed.tiny.prompt(11), windowed.tiny.prompt(12)
    with torch.inference_mode():
        call = (seed, 2, 3.0, "euler", "normal", *conds, latent)
        return KSampler().sample(model, *call)[0]["samples"]


def test_a_ksampler_starts_from_free_noise(animated: ModelPatcher) -> None:
    model = apply_context_windows(animated, WindowSettings(LENGTH, OVERLAP))
    shaped = set_noise(model, NoiseSettings())
    expected = windowed.sample_noise(model, repeat_noise(randn(5), LENGTH, OVERLAP, 5), seed=5)
    plain, moved = (ksample(m, windowed.empty(FRAMES)) for m in (model, shaped))
    assert torch.equal(moved, expected)
    assert not torch.allclose(moved, plain, atol=1e-2)
    assert torch.equal(ksample(model, windowed.empty(FRAMES)), plain)


def test_random_noise_keeps_the_numbers_of_a_latents_frames(still: ModelPatcher) -> None:
    """As Continue Animation and Latent From Batch give them."""
    latent = {**windowed.empty(3), "batch_index": [9, 4, 6]}
    shaped = set_noise(still, NoiseSettings("random"))
    assert torch.equal(ksample(shaped, latent), ksample(still, latent))
    assert not torch.equal(ksample(shaped, windowed.empty(3)), ksample(still, latent))


def test_the_last_of_two_counts(still: ModelPatcher) -> None:
    twice = set_noise(set_noise(still, NoiseSettings("empty")), NoiseSettings("constant"))
    frames = ksample(twice, windowed.empty(FRAMES))
    assert torch.allclose(frames, frames[:1].expand_as(frames), atol=1e-4)
    assert frames.std() > 0.1


def test_a_sampler_without_noise_is_given_none(still: ModelPatcher) -> None:
    latent = {"samples": windowed.noise_of(FRAMES, 3)}
    shaped = set_noise(still, NoiseSettings("random", seed_offset=1))
    parts = [
        windowed.advanced(model, noise=False, start=2, end=4, latent=latent)["samples"]
        for model in (still, shaped)
    ]
    assert torch.equal(*parts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (NoiseSettings("pink"), "'pink' is no noise; choose one of FreeNoise, random, "),
        (NoiseSettings(generator="dice"), "'dice' draws no noise; choose one of ComfyUI, a seed "),
        (NoiseSettings(batch_offset=-1), "-1 frames cannot be skipped; 0 is the least."),
        (NoiseSettings(length=4, overlap=4), "The overlap of 4 frames leaves windows of 4 no "),
    ],
)
def test_impossible_settings(settings: NoiseSettings, message: str, still: ModelPatcher) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        set_noise(still, settings)
