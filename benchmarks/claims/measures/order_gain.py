"""How much better noise is predicted in clips whose order a motion module can see (Q1).

Three losses of each clip with the same noise and the same timesteps: without the module, with it,
and with it on the same noisy frames in another order. A module that learned time is worse on the
last; one that merely learned the training set's look is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ....training.engine.losses import clip_errors
from ....training.models.denoiser import Denoiser
from ....training.models.noise_schedule import diffuse

Predict = Callable[[Tensor, Tensor, Tensor], Tensor]
"""noisy b f 4 h w, t b, text b t c -> the noise, b f 4 h w"""


@dataclass(frozen=True)
class Draws:
    """t: d, one of each of d equal parts of 0..T-1;   noise: d f 4 h w;   order: f, not time's"""

    t: Tensor
    noise: Tensor
    order: Tensor


def draws_for(seed: int, shape: tuple[int, ...], count: int, steps: int, order: Tensor) -> Draws:
    """shape: of the clip's latents, f 4 h w"""
    generator = torch.Generator().manual_seed(seed)
    places = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    noise = torch.randn((count, *shape), generator=generator)
    return Draws((places * steps).long().clamp(max=steps - 1), noise, order)


@torch.no_grad()
def losses(
    predict: Predict,
    clean: Tensor,
    text: Tensor,
    draws: Draws,
    signal: Tensor,
    shuffled: bool = False,
) -> np.ndarray:
    """The mean squared error at each draw.   clean: f 4 h w, scaled; text: t c; signal: T -> d"""
    count = len(draws.t)
    noise = draws.noise
    noisy = diffuse(clean.expand(count, *clean.shape), noise, signal[draws.t])
    if shuffled:
        noisy, noise = noisy[:, draws.order], noise[:, draws.order]
    predicted = predict(noisy, draws.t, text.expand(count, *text.shape))
    return clip_errors(predicted, noise).double().numpy()


def predictor(denoiser: Denoiser, steps: Tensor | None = None) -> Predict:
    """steps: what the denoiser is told in place of each t;   T"""
    device = next(denoiser.parameters()).device

    def predict(noisy: Tensor, t: Tensor, text: Tensor) -> Tensor:
        told = t if steps is None else steps[t]
        with denoiser.animated(*noisy.shape[:2]):
            return denoiser(noisy.to(device), told.to(device), text.to(device), None).cpu()

    return predict


def nearest_steps(signal: Tensor, own: Tensor) -> Tensor:
    """For each step of one noise schedule the step of another that has as much noise, by the
    logarithm of the signal-to-noise ratio.   signal: T;   own: T' -> T"""
    ours, theirs = torch.logit(signal.double()), torch.logit(own.double())
    return (ours[:, None] - theirs).abs().argmin(dim=1)
