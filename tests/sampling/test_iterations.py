"""FreeInit as AnimateDiff-Evolved iterates it, against its formula computed by hand."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from adk_tests.support import tiny, windowed
from animatediff_kit.sampling.iterations import Iterations, LowPass, set_iterations
from animatediff_kit.sampling.model_noise import NoiseSettings
from torch import Tensor

RANDOM = NoiseSettings("random")
SEED = 1
"""Of `windowed.sample_noise`."""


def apart(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def kept_by_hand(low: LowPass, frames: int, height: int, width: int) -> Tensor:
    """The filter, frequency by frequency, the lowest in the middle.   -> n h w"""
    kept = torch.zeros((frames, height, width))
    for t, y, x in itertools.product(range(frames), range(height), range(width)):
        of_time = low.space / low.time * (2 * t / frames - 1)
        d2 = of_time**2 + (2 * y / height - 1) ** 2 + (2 * x / width - 1) ** 2
        kept[t, y, x] = {
            "gaussian": math.exp(-d2 / (2 * low.space**2)),
            "butterworth": 1 / (1 + (d2 / low.space**2) ** low.order),
            "ideal": float(d2 <= 2 * low.space),
        }[low.kind]
    return kept


@pytest.mark.parametrize("kind", ["gaussian", "butterworth", "ideal"])
@pytest.mark.parametrize("sizes", [(6, 4, 8), (5, 3, 7)])
def test_low_passes(kind: str, sizes: tuple[int, int, int]) -> None:
    low = LowPass(kind, 0.3, 0.6, 2)
    found = torch.fft.fftshift(low.over(*sizes).squeeze(1))
    assert torch.allclose(found, kept_by_hand(low, *sizes), atol=1e-6)


def test_a_box() -> None:
    """Of 8 frames those within 2 of the middle, of 4 rows and of 6 columns within 1."""
    found = torch.fft.fftshift(LowPass("box", 0.6, 0.5).over(8, 4, 6).squeeze(1))
    assert found.nonzero().amin(0).tolist() == [2, 1, 2]
    assert found.nonzero().amax(0).tolist() == [5, 2, 3] and found.sum() == 16


@pytest.mark.parametrize("low", [LowPass(space=0.0), LowPass(time=0.0)])
def test_a_stop_frequency_of_nothing_keeps_nothing(low: LowPass) -> None:
    assert not low.over(4, 3, 3).any()


def mixed(low: LowPass, latent: Tensor, noise: Tensor, fresh: Tensor, sigma: float) -> Tensor:
    """latent with noise of a level, its low frequencies, and high ones of fresh noise."""
    axes = (0, 2, 3)
    noised = latent / math.sqrt(sigma**2 + 1) + noise * math.sqrt(1 - 1 / (sigma**2 + 1))
    keep = kept_by_hand(low, latent.shape[0], *latent.shape[2:]).unsqueeze(1)
    spectra = [torch.fft.fftshift(torch.fft.fftn(part, dim=axes), axes) for part in (noised, fresh)]
    joined = torch.fft.ifftshift(spectra[0] * keep + spectra[1] * (1 - keep), axes)
    return torch.fft.ifftn(joined, dim=axes).real


@pytest.mark.parametrize("also_first", [False, True])
def test_iterations_by_hand(also_first: bool) -> None:
    """Each begins from the noise of the one before, the given latent, and the result, whose units
    are the autoencoder's."""
    model, low = tiny.image_model(), LowPass("butterworth", 0.5, 0.5, 2)
    sampling: Any = model.get_model_object("model_sampling")
    sigma = float(sampling.sigmas[-101]) / model.model.latent_format.scale_factor
    noise = windowed.noise_of(5)
    picture = 0.5 * windowed.noise_of(5, 8)
    begin = noise
    for iteration in range(2):
        if iteration or also_first:
            latent = result if iteration else picture  # noqa: F821
            fresh = windowed.noise_of(5, SEED + 4 + 3 * iteration)
            begin = mixed(low, latent, begin, fresh, sigma)
        result = windowed.sample_noise(model, begin, latent_image=picture)
    settings = Iterations(2, low, level=-101, also_first=also_first, seed_offset=3)
    iterated = set_iterations(model, settings, NoiseSettings("random", seed_offset=4))
    found = windowed.sample_noise(iterated, noise, latent_image=picture)
    once = windowed.sample_noise(model, noise, latent_image=picture)
    assert apart(found, result) < 1e-5 < 1e-2 < apart(found, once)


def test_the_first_formula() -> None:
    """It adds the first noise in every iteration, at the model's own level."""
    model, noise = tiny.image_model(), windowed.noise_of(4)
    sampling: Any = model.get_model_object("model_sampling")
    sigma, begin, low = float(sampling.sigmas[-1]), noise, LowPass()
    axes = (0, 2, 3)
    for iteration in range(1, 3):
        latent = windowed.sample_noise(model, begin)
        keep = low.over(4, 8, 8)
        first = torch.fft.fftn((latent + noise * sigma) / (sigma**2 + 1), dim=axes)
        fresh = torch.fft.fftn(windowed.noise_of(4, SEED + iteration), dim=axes)
        begin = torch.fft.ifftn(first * keep + fresh * (1 - keep), dim=axes).real
    expected = windowed.sample_noise(model, begin)
    iterated = set_iterations(model, Iterations(3, low, dink=True), RANDOM)
    assert apart(windowed.sample_noise(iterated, noise), expected) < 1e-5


def test_an_iteration_skips_frames_of_its_fresh_noise() -> None:
    drawn = [Iterations(batch_offset=2).noise_of(NoiseSettings(batch_offset=1), i) for i in (0, 2)]
    assert [(one.batch_offset, one.seed_offset) for one in drawn] == [(1, 0), (5, 2)]


def test_a_noise_level_that_the_model_has_not() -> None:
    model = set_iterations(tiny.image_model(), Iterations(level=-1001), RANDOM)
    sentence = r"^FreeInit's sigma_step is -1, but the model's noise schedule has 1000 levels; 0 is"
    with pytest.raises(ValueError, match=sentence):
        windowed.sample_noise(model, windowed.noise_of(4))
