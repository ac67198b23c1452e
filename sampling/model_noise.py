"""The noise that sampling starts from, chosen on the model, so that any sampler takes it.

A KSampler draws its own noise. A wrapper around the sampling run draws it once more from the
sampler's seed, in another way: repeated over the context windows (FreeNoise), the same in every
frame, or each frame from a seed of its own. A sampler that adds no noise is given none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from .free_noise import repeat_noise
from .handler import FrameWindows
from .windows import WindowSettings

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

log = logging.getLogger(__name__)

KEY = "animatediff_kit_noise"

Draw = Callable[[int], Tensor]
"""A number of frames -> their noise, f c h w."""


def of_one_seed(like: Tensor, frames: int, seed: int, skip: int) -> Tensor:
    """ComfyUI's way: all frames in one draw, of which the first `skip` are left out.   like: the
    latents, n c h w"""
    return randn(like, skip + frames, seed)[skip:]


def of_seeds(like: Tensor, frames: int, seed: int, skip: int) -> Tensor:
    """The web UI's way: frame i from seed + i, so that a frame can be drawn again by itself."""
    return torch.cat([randn(like, 1, seed + skip + frame) for frame in range(frames)])


def randn(like: Tensor, frames: int, seed: int) -> Tensor:
    """Unit noise on the CPU, where a seed means the same on every machine."""
    generator = torch.Generator().manual_seed(seed % 2**64)
    return torch.randn((frames, *like.shape[1:]), dtype=like.dtype, generator=generator)


GENERATORS: dict[str, Callable[[Tensor, int, int, int], Tensor]] = {
    "ComfyUI": of_one_seed,
    "a seed for each frame": of_seeds,
}


def constant(draw: Draw, frames: int) -> Tensor:
    """Every frame starts from the same noise."""
    first = draw(1)
    return first.expand(frames, *first.shape[1:]).clone()


NOISES: dict[str, Callable[[Draw, int], Tensor]] = {
    # what is drawn before it is repeated
    "FreeNoise": lambda draw, frames: draw(frames),
    "random": lambda draw, frames: draw(frames),
    "constant": constant,
    "repeated": lambda draw, frames: draw(frames),
    "empty": lambda draw, frames: torch.zeros_like(draw(1)).repeat(frames, 1, 1, 1),
}


@dataclass(frozen=True)
class NoiseSettings:
    """How a run's noise is drawn.

    kind: a name in NOISES; length, overlap: of the windows that it repeats over, a length of 0
    takes both from the model's context windows; seed_offset is added to the sampler's seed;
    batch_offset: how many frames are skipped before the first; generator: a name in GENERATORS;
    seed: stands in the place of the sampler's.
    """

    kind: str = "FreeNoise"
    length: int = 0
    overlap: int = 0
    seed_offset: int = 0
    batch_offset: int = 0
    generator: str = "ComfyUI"
    seed: int | None = None

    def check(self) -> None:
        """Raise ValueError for what is in no table, or windows that cannot be."""
        if self.kind not in [*NOISES]:
            raise ValueError(f"{self.kind!r} is no noise; choose one of {', '.join(NOISES)}.")
        if self.generator not in [*GENERATORS]:
            raise ValueError(
                f"{self.generator!r} draws no noise; choose one of {', '.join(GENERATORS)}."
            )
        if self.batch_offset < 0:
            raise ValueError(f"{self.batch_offset} frames cannot be skipped; 0 is the least.")
        if self.length:
            WindowSettings(self.length, self.overlap).check()

    @property
    def are_the_samplers(self) -> bool:
        """Whether the noise is what ComfyUI's samplers draw."""
        plain = NoiseSettings("random", self.length, self.overlap)
        return self == plain

    def noise(self, latents: Tensor, seed: int, windows: tuple[int, int] | None) -> Tensor:
        """latents: n c h w, which the noise is for;   windows: (length, overlap) of those on the
        model   -> n c h w, on the CPU"""
        seed = (seed if self.seed is None else self.seed) + self.seed_offset
        frames = latents.shape[0]
        draw = GENERATORS[self.generator]
        noise = NOISES[self.kind](
            lambda count: draw(latents, count, seed, self.batch_offset), frames
        )
        if self.kind not in ("FreeNoise", "repeated"):
            return noise
        if self.length:
            windows = (self.length, self.overlap)
        if windows is None or windows[0] >= frames:
            log.warning(
                "The noise %s has nothing to repeat: %d frames are sampled %s.",
                self.kind,
                frames,
                "without context windows" if windows is None else f"in a window of {windows[0]}",
            )
            return noise
        if self.kind == "repeated":
            return noise[torch.arange(frames) % windows[0]]
        return repeat_noise(noise, *windows, seed % 2**64)


def set_noise(model: ModelPatcher, settings: NoiseSettings) -> ModelPatcher:
    """A clone of `model` whose samplers start from this noise. Raises ValueError as
    `NoiseSettings.check` does."""
    settings.check()
    changed = model.clone()
    changed.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    changed.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, ModelNoise(settings))
    return changed


@dataclass(frozen=True)
class ModelNoise:
    """OUTER_SAMPLE wrapper: the sampler's noise is drawn anew. Random noise as it is, is the
    sampler's own, which knows the numbers that a latent gives its frames.   noise, latent: n c h w
    """

    settings: NoiseSettings

    def __call__(
        self,
        executor: Any,
        noise: Tensor,
        latent: Tensor,
        sampler: Any,
        sigmas: Tensor,
        denoise_mask: Any = None,
        callback: Any = None,
        disable_pbar: bool = False,
        seed: int | None = None,
        **more: Any,
    ) -> Any:
        if torch.count_nonzero(noise) and not self.settings.are_the_samplers:
            windows = windows_on(executor.class_obj.model_options.get("context_handler"))
            noise = self.settings.noise(latent, seed or 0, windows).to(noise)
        rest = (denoise_mask, callback, disable_pbar, seed)
        return executor(noise, latent, sampler, sigmas, *rest, **more)


def windows_on(handler: Any) -> tuple[int, int] | None:
    """(length, overlap) of the context windows that a model has, ours or core's; of ours, those
    that attention over time sees in the first steps."""
    if isinstance(handler, FrameWindows):
        innermost = handler.phases[0].innermost
        return innermost.length, innermost.overlap
    length = getattr(handler, "context_length", None)
    return None if length is None else (length, getattr(handler, "context_overlap", 0))
