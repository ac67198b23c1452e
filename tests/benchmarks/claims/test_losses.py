"""The losses of a clip in its order and in another: a predictor that uses time gains by the order,
one that does not cannot, and draws are the same for all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.benchmarks.claims.losses import (
    Draws,
    Predict,
    draws_for,
    losses,
    nearest_steps,
    predictor,
)
from animatediff_kit.benchmarks.claims.scenes import shuffled_order
from animatediff_kit.small_world.train_images import signals
from animatediff_kit.training.models import stages
from animatediff_kit.training.models.denoiser import Denoiser
from animatediff_kit.training.models.stages import DeviceAndDtype
from torch import Tensor, nn

SIGNAL = signals()
TEXT = torch.zeros(7, tiny.CONTEXT)
DRAWS = 6


def drifting(seed: int = 0, frames: int = 8) -> Tensor:
    """A clip whose latents change steadily.   -> f 4 8 8"""
    generator = torch.Generator().manual_seed(seed)
    first, last = torch.randn((2, 4, 8, 8), generator=generator)
    return torch.stack([first.lerp(last, i / (frames - 1)) for i in range(frames)])


def draws(seed: int = 0, frames: int = 8) -> Draws:
    return draws_for(seed, (frames, 4, 8, 8), DRAWS, len(SIGNAL), shuffled_order(frames, seed))


def looks_around(noisy: Tensor, t: Tensor, text: Tensor) -> Tensor:
    """Takes each clean frame for the mean of what the noisy ones around it hold."""
    a = SIGNAL[t].view(-1, 1, 1, 1, 1)
    guess = noisy / a.sqrt()
    around = torch.cat((guess[:, :1], guess, guess[:, -1:]), 1).unfold(1, 3, 1).mean(-1)
    return (noisy - a.sqrt() * around) / (1 - a).sqrt()


def ignores(noisy: Tensor, t: Tensor, text: Tensor) -> Tensor:
    """Each frame by itself."""
    return noisy * (1 - SIGNAL[t]).sqrt().view(-1, 1, 1, 1, 1)


def gain(predict: Predict, clip: Tensor) -> float:
    """By the right order, over the low noise in which it can be seen."""
    few = Draws(torch.full((DRAWS,), 60), draws().noise, draws().order)
    true = losses(predict, clip, TEXT, few, SIGNAL)
    wrong = losses(predict, clip, TEXT, few, SIGNAL, wrong=True)
    return float(1 - true.mean() / wrong.mean())


def test_what_uses_time_gains_by_the_order_and_what_does_not_cannot() -> None:
    steady = drifting()
    frozen = steady[:1].expand_as(steady)
    assert gain(looks_around, steady) > 0.2
    assert abs(gain(looks_around, frozen)) < 0.02
    assert abs(gain(ignores, steady)) < 1e-6


def test_timesteps_are_spread_over_the_schedule_and_noise_is_new() -> None:
    found = draws(3)
    parts = (found.t * DRAWS // len(SIGNAL)).tolist()
    assert parts == list(range(DRAWS))
    assert torch.equal(found.noise, draws(3).noise)
    assert not torch.equal(found.noise, draws(4).noise)
    assert not torch.equal(found.noise[0], found.noise[1])


def test_a_new_module_changes_no_loss_at_all_and_a_live_one_does() -> None:
    model = tiny.image_model()
    where = DeviceAndDtype(torch.device("cpu"), torch.float32)
    trainee = stages.motion_module(model, None, "v3", 0, where)
    without = Denoiser(trainee.denoiser.unet, None)
    clip = drifting()

    def both(denoiser: Denoiser) -> tuple[np.ndarray, np.ndarray]:
        true, wrong = (
            losses(predictor(denoiser), clip, TEXT, draws(), SIGNAL, s) for s in (False, True)
        )
        return true, wrong

    off, new = both(without), both(trainee.denoiser)
    assert (off[0] == new[0]).all()
    assert off[1] == pytest.approx(off[0], rel=1e-4)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in trainee.parameters.items():
            if "proj_out" in name:
                parameter.normal_(std=0.5)
    live = both(trainee.denoiser)
    assert np.abs(live[0] - off[0]).min() > 1e-4
    assert np.abs(live[1] - live[0]).max() > 1e-4


def test_steps_of_as_much_noise() -> None:
    signal, own = torch.tensor([0.99, 0.5, 0.01]), torch.tensor([0.999, 0.98, 0.7, 0.45, 0.02])
    assert nearest_steps(signal, own).tolist() == [1, 3, 4]
    assert nearest_steps(own, own).tolist() == [0, 1, 2, 3, 4]


def test_a_predictor_may_be_told_other_steps() -> None:
    told: list[torch.Tensor] = []

    class Noting(Denoiser):
        def forward(self, noisy, t, text, vector):  # pyright: ignore
            told.append(t)
            return noisy

    denoiser = Noting(nn.Linear(1, 1), None)  # pyright: ignore
    noisy, t = torch.zeros(2, 3, 4, 1, 1), torch.tensor([0, 2])
    predictor(denoiser)(noisy, t, torch.zeros(2, 1, 1))
    predictor(denoiser, torch.tensor([7, 8, 9]))(noisy, t, torch.zeros(2, 1, 1))
    assert [part.tolist() for part in told] == [[0, 2], [7, 9]]
