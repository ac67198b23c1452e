"""FreeInit as AnimateDiff-Evolved iterates it, so that its workflows give their frames.

It differs from the paper's (free_init.py) in what the low frequencies are taken from: the noise of
the iteration before, and not the first; a result in the units of the autoencoder, at a noise level
divided by the latents' scale factor. Frequencies are counted over a grid whose middle lies half a
row beside frequency 0 where an axis is odd, and the ideal filter ends at the square root of twice
its stop frequency. A latent that holds an image is kept in each iteration.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import comfy.samplers
import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from .free_init import KEY, mix_frequencies, shifted_callback
from .model_noise import NoiseSettings, windows_on
from .window_states import begin_anew

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher


@dataclass(frozen=True)
class LowPass:
    """kind: a name in KINDS; space, time: stop frequencies, 1 at the highest of an axis, 0 keeps
    nothing; order: of the Butterworth filter."""

    kind: str = "gaussian"
    space: float = 0.25
    time: float = 0.25
    order: int = 4

    def over(self, frames: int, height: int, width: int) -> Tensor:
        """How much of each frequency of torch.fft.fftn is kept.   -> n 1 h w"""
        if self.space == 0 or self.time == 0:
            return torch.zeros((frames, 1, height, width))
        kept = KINDS[self.kind](self, (frames, height, width))
        return torch.fft.ifftshift(kept).unsqueeze(1)

    def squared(self, sizes: tuple[int, int, int]) -> Tensor:
        """Squared frequencies, the lowest in the middle, those of time in units of space's.   ->
        n h w"""
        t, y, x = (2 * torch.arange(size, dtype=torch.float64) / size - 1 for size in sizes)
        t = t * (self.space / self.time)
        return t[:, None, None] ** 2 + y[:, None] ** 2 + x**2


def box(low: LowPass, sizes: tuple[int, int, int]) -> Tensor:
    """All of what lies within both stop frequencies; height counts for width too."""
    reach = round(sizes[1] // 2 * low.space)
    reaches = (round(sizes[0] // 2 * low.time), reach, reach)
    parts = [
        slice(size // 2 - far, size // 2 + far) for size, far in zip(sizes, reaches, strict=True)
    ]
    kept = torch.zeros(sizes)
    kept[tuple(parts)] = 1.0
    return kept


KINDS: dict[str, Callable[[LowPass, tuple[int, int, int]], Tensor]] = {
    # the lowest frequency in the middle
    "gaussian": lambda low, sizes: torch.exp(-low.squared(sizes) / (2 * low.space**2)).float(),
    "butterworth": lambda low, sizes: (
        1 / (1 + (low.squared(sizes) / low.space**2) ** low.order)
    ).float(),
    "ideal": lambda low, sizes: (low.squared(sizes) <= 2 * low.space).float(),
    "box": box,
}


@dataclass(frozen=True)
class Iterations:
    """count: how often is sampled; low_pass: what is kept of the result; level: of the noise that
    is added to it again, counted from the end of the model's table, -1 the highest; also_first:
    whether the first iteration begins from the given latent so; dink: the pack's first formula;
    seed_offset, batch_offset: added to the noise settings' once more in each iteration."""

    count: int = 2
    low_pass: LowPass = LowPass()
    level: int = -1
    also_first: bool = False
    dink: bool = False
    seed_offset: int = 1
    batch_offset: int = 0

    @property
    def are_none(self) -> bool:
        """Whether sampling is as it is without."""
        return self.count <= 1 and not self.also_first

    def noise_of(self, settings: NoiseSettings, iteration: int) -> NoiseSettings:
        """How the fresh noise of an iteration is drawn."""
        return replace(
            settings,
            seed_offset=settings.seed_offset + self.seed_offset * iteration,
            batch_offset=settings.batch_offset + self.batch_offset * iteration,
        )


class IteratedSampler(comfy.samplers.Sampler):
    """A SAMPLER that runs another one again and again.

    given: the latent that sampling starts from, n c h w, in the units of the autoencoder; draw: the
    number of an iteration -> its fresh noise, n c h w.
    """

    def __init__(
        self, sampler: Any, settings: Iterations, given: Tensor, draw: Callable[[int], Tensor]
    ) -> None:
        self.sampler, self.settings, self.given, self.draw = sampler, settings, given, draw

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
        """noise: n c h w, unit variance -> the last iteration's latent. Raises ValueError for a
        noise level that the model has not."""
        settings, steps = self.settings, len(sigmas) - 1
        model, first, latent = model_wrap.inner_model, noise, self.given
        result = noise
        for iteration in range(settings.count):
            if iteration or settings.also_first:
                noise = self.mixed(model, latent, first if settings.dink else noise, iteration)
            if iteration:
                begin_anew(extra_args.get("model_options", {}))
            result = self.sampler.sample(
                model_wrap,
                sigmas,
                extra_args,
                shifted_callback(callback, iteration * steps, settings.count * steps),
                noise.to(first),
                latent_image,
                denoise_mask,
                disable_pbar,
            )
            latent = model.process_latent_out(result.float())
        return result

    def mixed(self, model: Any, latent: Tensor, noise: Tensor, iteration: int) -> Tensor:
        """The noise of an iteration: low frequencies of the latent with noise on it, high ones of
        fresh noise.   latent, noise: n c h w"""
        latent, noise = latent.float().cpu(), noise.float().cpu()
        frames, _, height, width = latent.shape
        keep = self.settings.low_pass.over(frames, height, width)
        low = self.noised(model, latent, noise)
        return mix_frequencies(low, self.draw(iteration).float().cpu(), keep, 1 - keep)

    def noised(self, model: Any, latent: Tensor, noise: Tensor) -> Tensor:
        table, level = model.model_sampling.sigmas, self.settings.level
        if not -len(table) <= level < 0:
            raise ValueError(
                f"FreeInit's sigma_step is {level + 1000}, but the model's noise schedule has "
                f"{len(table)} levels; {1000 - len(table)} is the lowest. Set it to 999."
            )
        sigma = float(table[level])
        if self.settings.dink:
            return (latent + noise * sigma) / (sigma**2 + 1)
        sigma = sigma / model.latent_format.scale_factor
        alpha = 1 / (sigma**2 + 1)
        return latent * math.sqrt(alpha) + noise * math.sqrt(1 - alpha)


def set_iterations(model: ModelPatcher, settings: Iterations, noise: NoiseSettings) -> ModelPatcher:
    """A clone of `model` whose samplers iterate so; their fresh noise is drawn as `noise` says. Its
    noise is set before, so that it lies around the iterations."""
    iterated = model.clone()
    iterated.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)

    def wrap(
        executor: Any,
        first: Tensor,
        latent: Tensor,
        sampler: Any,
        sigmas: Tensor,
        denoise_mask: Tensor | None = None,
        callback: Any = None,
        disable_pbar: bool = False,
        seed: int | None = None,
        **more: Any,
    ) -> Any:
        windows = windows_on(executor.class_obj.model_options.get("context_handler"))

        def draw(iteration: int) -> Tensor:
            return settings.noise_of(noise, iteration).noise(latent, seed or 0, windows)

        repeated = IteratedSampler(sampler, settings, latent, draw)
        rest = (denoise_mask, callback, disable_pbar, seed)
        return executor(first, latent, repeated, sigmas, *rest, **more)

    iterated.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, wrap)
    return iterated
