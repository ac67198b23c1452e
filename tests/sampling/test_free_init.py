"""FreeInit against the paper's formula, computed by hand, and beside core's samplers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import comfy.sample
import comfy.samplers
import numpy as np
import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.specs import FAMILIES
from animatediff_kit.sampling.betas import apply_beta_schedule
from animatediff_kit.sampling.free_init import (
    COMPLEMENT,
    CONSTANT_VARIANCE,
    FILTERS,
    HIGH_PASSES,
    FreeInitSampler,
    fresh_noise,
    high_pass,
    low_pass,
    mix_frequencies,
)
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_custom_sampler import BasicScheduler
from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete
from torch import Tensor

SHAPE = (6, 4, 8, 10)
SIGMAS = torch.tensor([14.6147, 2.0, 0.0])


class Recording(comfy.samplers.Sampler):
    """A sampler that keeps the noise that it is given; its result is another each time."""

    def __init__(self) -> None:
        self.noises: list[Tensor] = []
        self.results: list[Tensor] = []

    def sample(
        self,
        model_wrap: Any,
        sigmas: Any,
        extra_args: Any,
        callback: Any,
        noise: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Tensor:
        self.noises.append(noise)
        generator = torch.Generator().manual_seed(100 + len(self.noises))
        self.results.append(torch.randn(SHAPE, generator=generator))
        return self.results[-1]


def model_wrap(sampling: Any = None) -> Any:
    """What a SAMPLER is handed: it finds the model's sampling in it."""
    sampling = sampling if sampling is not None else tiny.image_model().model.model_sampling
    return SimpleNamespace(inner_model=SimpleNamespace(model_sampling=sampling))


def run(
    iterations: int,
    filter_name: str = "butterworth",
    seed: int | None = 3,
    high: str = COMPLEMENT,
) -> Recording:
    inner = Recording()
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(3))
    sampler = FreeInitSampler(inner, iterations, filter_name, high)
    frames = sampler.sample(model_wrap(), SIGMAS, {"seed": seed}, None, noise)
    assert torch.equal(frames, inner.results[-1])
    return inner


def high_frequencies(noise: Tensor) -> Tensor:
    """The noise's highest frequency over height, of which no filter keeps anything."""
    return torch.fft.fftn(noise.double(), dim=(0, 2, 3))[:, :, SHAPE[2] // 2]


@pytest.mark.parametrize("seed", [0, 3, 2**63, 2**64 - 1])
def test_fresh_noise_is_no_noise_of_the_samplers(seed: int) -> None:
    """Core's samplers draw from torch with the run's seed, or one above on a CPU."""
    inner = run(4, "ideal", seed)
    fresh = [high_frequencies(noise) for noise in inner.noises[1:]]
    for offset in range(-1, 6):
        generator = torch.Generator().manual_seed((seed + offset) % 2**64)
        for _ in range(3):  # the samplers draw once a step
            drawn = high_frequencies(torch.randn(SHAPE, generator=generator))
            assert all((drawn - noise).abs().max() > 1 for noise in fresh), offset
    assert all((a - b).abs().max() > 1 for a in fresh for b in fresh if a is not b)


def filter_by_hand(name: str) -> np.ndarray:
    """H over NumPy's frequencies, which run from -1/2 to 1/2 of the sampling rate (as in the
    paper, a normalised stop frequency of 1/4)."""
    kept = np.zeros((SHAPE[0], 1, *SHAPE[2:]))
    for f, y, x in np.ndindex(SHAPE[0], *SHAPE[2:]):
        places = zip((SHAPE[0], *SHAPE[2:]), (f, y, x), strict=True)
        distance = np.linalg.norm([np.fft.fftfreq(n)[i] / 0.5 for n, i in places])
        kept[f, 0, y, x] = {
            "butterworth": 1 / (1 + (distance / 0.25) ** (2 * 4)),
            "gaussian": np.exp(-(distance**2) / (2 * 0.25**2)),
            "ideal": float(distance <= 0.25),
        }[name]
    return kept


@pytest.mark.parametrize("name", FILTERS)
def test_filters_are_the_formulas(name: str) -> None:
    kept = low_pass(name, SHAPE[0], *SHAPE[2:])
    np.testing.assert_allclose(kept.numpy(), filter_by_hand(name), rtol=1e-5, atol=1e-7)
    assert kept[0, 0, 0, 0] == 1.0, "the mean of all frames is kept"


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("high", HIGH_PASSES)
def test_noise_of_the_next_iteration_is_the_papers(name: str, high: str) -> None:
    """The result diffused again with the first noise, then mixed with fresh noise; in float64."""
    inner = run(3, name, high=high)
    kept, axes = filter_by_hand(name), (0, 2, 3)
    taken = 1 - kept if high == COMPLEMENT else np.sqrt(1 - kept**2)
    alpha = 1 / (1 + float(SIGMAS[0]) ** 2)
    first = inner.noises[0].double().numpy()
    for iteration in (0, 1):
        diffused = np.sqrt(alpha) * inner.results[iteration].double().numpy()
        diffused = diffused + np.sqrt(1 - alpha) * first
        fresh = fresh_noise(SHAPE, 3, iteration).double().numpy()
        low, rest = np.fft.fftn(diffused, axes=axes), np.fft.fftn(fresh, axes=axes)
        mixed = np.fft.ifftn(low * kept + rest * taken, axes=axes)
        assert np.abs(mixed.imag).max() < 1e-12
        np.testing.assert_allclose(inner.noises[iteration + 1].numpy(), mixed.real, atol=2e-6)


def test_fresh_noise_is_standard_normal_and_the_seeds_own() -> None:
    noise = fresh_noise((64, 4, 32, 32), 7, 0)
    assert abs(float(noise.mean())) < 0.01 and float(noise.std()) == pytest.approx(1, abs=0.01)
    assert torch.equal(noise, fresh_noise((64, 4, 32, 32), 7, 0))
    assert not torch.equal(noise, fresh_noise((64, 4, 32, 32), 8, 0))


@pytest.mark.parametrize("name", FILTERS)
def test_constant_variance_is_that_of_noise_in_every_band(name: str) -> None:
    """Power of the mixed noise by how much the filter keeps; complement loses up to half."""
    generator = torch.Generator().manual_seed(2)
    first, fresh = (torch.randn((16, 4, 32, 32), generator=generator) for _ in range(2))
    keep = low_pass(name, 16, 32, 32)
    bands = {"half": (keep > 0.3) & (keep < 0.7), "low": keep > 0.97, "high": keep < 0.03}
    power = {}
    for high in HIGH_PASSES:
        mixed = mix_frequencies(first, fresh, keep, high_pass(high, keep))
        spectrum = torch.fft.fftn(mixed, dim=(0, 2, 3)).abs() ** 2 / (16 * 32 * 32)
        power[high] = {
            band: float(spectrum[where.expand_as(spectrum)].mean())
            for band, where in bands.items()
            if where.sum() > 20
        }
    assert power[CONSTANT_VARIANCE] == pytest.approx(
        dict.fromkeys(power[CONSTANT_VARIANCE], 1.0), abs=0.15
    )
    assert power[COMPLEMENT].get("half", 0.5) < 0.65


def test_a_run_without_a_seed() -> None:
    a, b = run(2, seed=None), run(2, seed=None)
    assert torch.equal(a.noises[1], b.noises[1])


def refined(name: str, iterations: int) -> FreeInitSampler:
    return FreeInitSampler(comfy.samplers.sampler_object(name), iterations, "butterworth")


def sample(model: ModelPatcher, sampler: Any, steps: int = 2, **more: Any) -> Tensor:
    sigmas = comfy.samplers.calculate_sigmas(
        model.get_model_object("model_sampling"), "normal", steps
    )
    call = dict(cfg=3.0, positive=tiny.prompt(11), negative=tiny.prompt(12), seed=1) | more
    noise = windowed.noise_of()
    with torch.inference_mode():
        return comfy.sample.sample_custom(
            model,
            noise,
            sampler=sampler,
            sigmas=sigmas,
            latent_image=torch.zeros_like(noise),
            disable_pbar=True,
            **call,
        )


@pytest.mark.parametrize("name", ["euler", "euler_ancestral"])
def test_one_iteration_is_plain_sampling(still: ModelPatcher, name: str) -> None:
    plain = sample(still, comfy.samplers.sampler_object(name))
    assert by_hand.same(sample(still, refined(name, 1)), plain)


@pytest.mark.parametrize("name", ["euler", "euler_ancestral", "dpmpp_2m_sde", "heun"])
def test_iterations_in_windows(still: ModelPatcher, name: str) -> None:
    """As without windows, for samplers that add noise too; another video than one iteration's."""
    whole = sample(still, refined(name, 2))
    frames = sample(windowed.windowed(still), refined(name, 2))
    assert by_hand.relative(frames, whole) < windowed.ROUNDING
    assert by_hand.relative(frames, sample(still, refined(name, 1))) > 0.1
    assert by_hand.same(sample(still, refined(name, 2)), whole)


def test_the_callback_counts_over_all_iterations(still: ModelPatcher) -> None:
    seen: list[tuple[int, int]] = []

    def callback(step: int, denoised: Any, x: Any, total: int) -> None:
        seen.append((step, total))

    sample(still, refined("euler", 3), callback=callback)
    assert seen == [(step, 6) for step in range(6)]


def test_an_image_in_the_latent_is_refused() -> None:
    sampler, noise, wrap = (
        FreeInitSampler(Recording(), 2, "ideal"),
        torch.randn(SHAPE),
        model_wrap(),
    )
    with pytest.raises(ValueError, match=r"^FreeInit starts from pure noise, but the latent holds"):
        sampler.sample(wrap, SIGMAS, {}, None, noise, latent_image=torch.ones(SHAPE))
    sampler.sample(wrap, SIGMAS, {}, None, noise, latent_image=torch.zeros(SHAPE))


@pytest.mark.parametrize(("scheduler", "denoise"), [("normal", 0.5), ("ddim_uniform", 1.0)])
def test_below_the_highest_sigma_the_first_result_is_diffused_as_well(
    still: ModelPatcher, scheduler: str, denoise: float
) -> None:
    """What the second iteration starts from, by ComfyUI's own scaling: the low frequencies of
    x_0 + sigma * e."""
    sampling = still.get_model_object("model_sampling")
    (sigmas,) = BasicScheduler.execute(still, scheduler, 4, denoise).args
    assert sigmas[0] < 0.9 * sampling.sigma_max
    inner, first = Recording(), torch.randn(SHAPE, generator=torch.Generator().manual_seed(3))
    sampler = FreeInitSampler(inner, 2, "ideal")
    sampler.sample(model_wrap(sampling), sigmas, {"seed": 3}, None, first)
    start = sampling.noise_scaling(sigmas[0], inner.noises[1].clone(), torch.zeros(SHAPE))
    keep = low_pass("ideal", SHAPE[0], *SHAPE[2:])
    diffused = inner.results[0] + sigmas[0] * first
    fresh = sigmas[0] * fresh_noise(SHAPE, 3, 0)
    torch.testing.assert_close(
        start, mix_frequencies(diffused, fresh, keep, 1 - keep), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("scheduler", comfy.samplers.SCHEDULER_NAMES)
def test_every_scheduler_runs(scheduler: str) -> None:
    """With the 4519 of zero terminal SNR too, where sigmas are rounded most."""
    for zsnr in (False, True):
        model = ModelSamplingDiscrete().patch(tiny.image_model(), "v_prediction", zsnr)[0]
        for patched in (model, apply_beta_schedule(model, "automatic", FAMILIES["v3"])):
            sampling = patched.get_model_object("model_sampling")
            (sigmas,) = BasicScheduler.execute(patched, scheduler, 8, 1.0).args
            inner, sampler = Recording(), FreeInitSampler(Recording(), 2, "butterworth")
            sampler.sampler = inner
            sampler.sample(model_wrap(sampling), sigmas, {}, None, torch.randn(SHAPE))
            assert 0.5 < float(inner.noises[1].std()) < 2.0


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="^FreeInit was given 0 iterations; it needs at least 1.$"):
        FreeInitSampler(Recording(), 0, "butterworth")
    with pytest.raises(ValueError, match="^'box' is no FreeInit filter; choose one of butterworth"):
        FreeInitSampler(Recording(), 2, "box")
    with pytest.raises(ValueError, match="'loud' says of no high frequencies how much; choose one"):
        FreeInitSampler(Recording(), 2, "ideal", "loud")
