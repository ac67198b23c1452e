"""FreeInit: sample, keep the result's low frequencies in the noise, sample again (Wu et al. 2023).

In training, the noisiest latent still holds the low frequencies of its video, consistent over the
frames; pure noise does not, and the first samples flicker for it. Each further iteration starts
from

    z_T = sqrt(a_T) z_0 + sqrt(1 - a_T) e         the result, with the first noise e added again
    e'  = IFFT(H * FFT(z_T) + (1 - H) * FFT(n))   its low frequencies, high ones of fresh noise n

with a 3-D Fourier transform over frames, height and width, and a low-pass filter H. Where H is
between 0 and 1, e' has less variance than noise: a half at H = 1/2. FreqPrior (Yuan et al. 2025)
takes sqrt(1 - H^2) for 1 - H, which keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import comfy.samplers
import numpy as np
import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from .window_states import begin_anew

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

STOP_FREQUENCY = 0.25
"""Where H has fallen to a half (Butterworth), in units of the highest frequency, space and time
alike."""

ORDER = 4
"""Of the Butterworth filter."""

FILTERS: dict[str, Callable[[Tensor], Tensor]] = {
    # squared frequency, 1 at the highest of an axis -> how much of it is kept
    "butterworth": lambda d2: 1 / (1 + (d2 / STOP_FREQUENCY**2) ** ORDER),
    "gaussian": lambda d2: torch.exp(-d2 / (2 * STOP_FREQUENCY**2)),
    "ideal": lambda d2: (d2 <= STOP_FREQUENCY**2).to(d2.dtype),
}


COMPLEMENT, CONSTANT_VARIANCE = "complement", "constant variance"

HIGH_PASSES: dict[str, Callable[[Tensor], Tensor]] = {
    # H -> how much of the fresh noise is taken
    COMPLEMENT: lambda keep: 1 - keep,
    CONSTANT_VARIANCE: lambda keep: (1 - keep**2).clamp(min=0).sqrt(),
}


def low_pass(name: str, frames: int, height: int, width: int) -> Tensor:
    """The filter H over the frequencies of torch.fft.fftn.   -> n 1 h w

    Raises ValueError for a name that is not in FILTERS.
    """
    if name not in [*FILTERS]:
        raise ValueError(f"{name!r} is no FreeInit filter; choose one of {', '.join(FILTERS)}.")
    t, y, x = (2 * torch.fft.fftfreq(size) for size in (frames, height, width))
    squared = t[:, None, None] ** 2 + y[:, None] ** 2 + x**2
    return FILTERS[name](squared).unsqueeze(1)


def high_pass(name: str, keep: Tensor) -> Tensor:
    """The filter of the fresh noise beside a low-pass H.   keep, and the result: n 1 h w

    Raises ValueError for a name that is not in HIGH_PASSES.
    """
    if name not in [*HIGH_PASSES]:
        choices = ", ".join(HIGH_PASSES)
        raise ValueError(f"{name!r} says of no high frequencies how much; choose one of {choices}.")
    return HIGH_PASSES[name](keep)


def mix_frequencies(low: Tensor, high: Tensor, keep: Tensor, take: Tensor) -> Tensor:
    """Frequencies of one latent and of another.   low, high: n c h w;   keep, take: n 1 h w"""
    axes = (0, 2, 3)
    spectrum = torch.fft.fftn(low, dim=axes) * keep + torch.fft.fftn(high, dim=axes) * take
    return torch.fft.ifftn(spectrum, dim=axes).real


class FreeInitSampler(comfy.samplers.Sampler):
    """A SAMPLER that runs another one `iterations` times, refining the noise between the runs.

    filter_name, high_frequencies: names in FILTERS and in HIGH_PASSES.
    """

    def __init__(
        self,
        sampler: Any,
        iterations: int,
        filter_name: str,
        high_frequencies: str = COMPLEMENT,
    ) -> None:
        if iterations < 1:
            raise ValueError(f"FreeInit was given {iterations} iterations; it needs at least 1.")
        high_pass(high_frequencies, low_pass(filter_name, 1, 1, 1))
        self.sampler = sampler
        self.iterations = iterations
        self.filter_name = filter_name
        self.high_frequencies = high_frequencies

    def sample(
        self,
        model_wrap: Any,
        sigmas: Tensor,
        extra_args: dict[str, Any],
        callback: Any,
        noise: Tensor,
        latent_image: Tensor | None = None,
        denoise_mask: Tensor | None = None,
        disable_pbar: bool = False,
    ) -> Tensor:
        """noise: n c h w, unit variance -> the last iteration's latent. Raises ValueError where the
        latent holds an image, which ComfyUI would add to the noise in each iteration."""
        check_empty(latent_image)
        unit = self.max_denoise(model_wrap, sigmas)
        steps, first = len(sigmas) - 1, noise
        for iteration in range(self.iterations):
            shifted = shifted_callback(callback, iteration * steps, self.iterations * steps)
            result = self.sampler.sample(
                model_wrap,
                sigmas,
                extra_args,
                shifted,
                noise,
                latent_image,
                denoise_mask,
                disable_pbar,
            )
            if iteration + 1 < self.iterations:
                begin_anew(extra_args.get("model_options", {}))
                fresh = fresh_noise(result.shape, extra_args.get("seed") or 0, iteration)
                noise = self.refined(result, first, float(sigmas[0]), fresh, unit)
        return result

    def refined(
        self, result: Tensor, first: Tensor, sigma: float, fresh: Tensor, unit: bool = True
    ) -> Tensor:
        """The noise of the next iteration.   result: latent x_0;   first: the first noise;
        sigma: sigma_T;   fresh: new noise

        unit: whether ComfyUI scales noise by sqrt(1 + sigma^2), as at a model's highest sigma, and
        not by sigma, as below it; either way sampling starts from x_0 + sigma * noise.
        """
        if unit:
            alpha = 1 / (1 + sigma**2)
            diffused = alpha**0.5 * result + (1 - alpha) ** 0.5 * first
        else:
            diffused = first + result / sigma
        diffused = diffused.float().cpu()
        frames, _, height, width = diffused.shape
        keep = low_pass(self.filter_name, frames, height, width)
        take = high_pass(self.high_frequencies, keep)
        return mix_frequencies(diffused, fresh, keep, take).to(first)


def check_empty(latent_image: Tensor | None) -> None:
    """Raise ValueError where sampling starts from an image."""
    if latent_image is not None and torch.count_nonzero(latent_image):
        raise ValueError(
            "FreeInit starts from pure noise, but the latent holds an image; give it an empty "
            "latent and denoise 1, or use the sampler without FreeInit."
        )


def fresh_noise(shape: tuple[int, ...], seed: int, iteration: int) -> Tensor:
    """Noise of unit variance, another in each iteration.

    Samplers that add noise draw it from torch with the seed itself or one above. NumPy's generator
    is another, so that no seed gives the same numbers twice.
    """
    generator = np.random.default_rng((seed, iteration))
    return torch.from_numpy(generator.standard_normal(shape, dtype=np.float32))


def shifted_callback(callback: Any, done: int, total: int) -> Any:
    """The sampler's progress callback, counting over all iterations."""
    if callback is None:
        return None
    return lambda step, denoised, x, steps: callback(done + step, denoised, x, total)


KEY = "animatediff_kit_free_init"


def set_free_init(model: ModelPatcher, iterations: int, filter_name: str) -> ModelPatcher:
    """A clone of `model` whose samplers run `iterations` times, as FreeInitSampler. Raises
    ValueError for no iteration and an unknown filter."""
    FreeInitSampler(None, iterations, filter_name)
    refined = model.clone()
    refined.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)

    def wrap(executor: Any, noise: Tensor, latent: Tensor, sampler: Any, *args: Any, **more: Any):
        repeated = FreeInitSampler(sampler, iterations, filter_name)
        return executor(noise, latent, repeated, *args, **more)

    refined.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, wrap)
    return refined
