"""FreeNoise: initial noise that repeats over the windows of a long video (Qiu et al. 2023, section
4.1).

Windows that start from unrelated noise drift apart. Here every frame beyond the first window starts
from the noise of an earlier frame: each new block of L - O frames is a permutation of the block
that lies L frames before it, so neighbouring windows hold the same noise in another order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.sample
import torch
from torch import Tensor

from .windows import WindowSettings


def repeat_noise(noise: Tensor, length: int, overlap: int, seed: int) -> Tensor:
    """noise: n c h w -> the same first `length` frames, the others permuted copies of earlier ones.

    Raises ValueError unless 0 <= overlap < length.
    """
    WindowSettings(length, overlap).check()
    repeated, frames = noise.clone(), noise.shape[0]
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, frames - length, length - overlap):
        count = min(length - overlap, frames - start - length)
        source = start + torch.randperm(count, generator=generator)
        repeated[start + length : start + length + count] = repeated[source.to(noise.device)]
    return repeated


@dataclass(frozen=True)
class FreeNoise:
    """A NOISE for SamplerCustomAdvanced; the frames of the first window are core's own for this
    seed."""

    seed: int
    length: int
    overlap: int

    def generate_noise(self, input_latent: dict[str, Any]) -> Tensor:
        """input_latent: a LATENT of n frames -> noise n c h w"""
        samples = input_latent["samples"]
        noise: Any = comfy.sample.prepare_noise(samples, self.seed, input_latent.get("batch_index"))
        return repeat_noise(noise, self.length, self.overlap, self.seed)
