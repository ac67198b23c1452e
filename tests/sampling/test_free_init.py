"""FreeInit against the paper's formula, computed by hand, and beside core's samplers."""

from __future__ import annotations

from typing import Any

import comfy.samplers
import pytest
import torch
from animatediff_kit.sampling.free_init import FreeInitSampler
from torch import Tensor

SHAPE = (6, 4, 8, 10)
SIGMAS = torch.tensor([14.6, 2.0, 0.0])


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


def run(iterations: int, filter_name: str = "butterworth", seed: int | None = 3) -> Recording:
    inner = Recording()
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(3))
    sampler = FreeInitSampler(inner, iterations, filter_name)
    frames = sampler.sample(None, SIGMAS, {"seed": seed}, None, noise)
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
