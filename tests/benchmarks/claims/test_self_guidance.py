"""What is done to temporal attention maps is what ByTheWay's equations say."""

from __future__ import annotations

import pytest
import torch
from animatediff_kit.benchmarks.claims.self_guidance import (
    FIRST,
    Guidance,
    Guided,
    enlarged,
    raised,
)
from animatediff_kit.motion_models.call import Call, Run
from animatediff_kit.motion_models.modules import HEADS, TemporalAttention
from torch import nn


def maps(pixels: int, frames: int = 16) -> torch.Tensor:
    return torch.randn((pixels, HEADS, frames, frames)).softmax(-1)


def test_rows_keep_their_sum_and_the_energy_rises() -> None:
    torch.manual_seed(0)
    a = maps(4)
    b = raised(a, a, 1.5)
    assert torch.allclose(b.sum(-1), torch.ones(()), atol=1e-5)
    mean = 1 / 16
    assert torch.allclose(b - mean, 1.5 * (a - mean), atol=1e-5), "a band of 7 is all but the mean"


def test_energy_that_was_lost_comes_back() -> None:
    torch.manual_seed(1)
    a = maps(4)
    flat = a + 0.9 * (1 / 16 - a)
    b = raised(flat, a, 1.0)
    assert b.square().sum() > 2 * flat.square().sum() - flat.square().sum()
    assert torch.equal(raised(a, a, 1.0).argmax(-1), a.argmax(-1))


def test_a_pixel_takes_the_map_of_the_one_above_it() -> None:
    small, large = maps(2 * 4), maps(2 * 16)
    found = enlarged(small, large, videos=2).unflatten(0, (2, 4, 4))
    below = small.unflatten(0, (2, 2, 2))
    assert torch.equal(found[1, 3, 0], below[1, 1, 0])
    assert torch.equal(found[0, 0, 2], below[0, 0, 1])


@pytest.mark.parametrize(("step", "changed"), [(0, True), (9, False)])
def test_maps_are_changed_in_the_first_steps_alone(step: int, changed: bool) -> None:
    torch.manual_seed(2)
    layer = TemporalAttention(32, 16, nn)
    call = Call(1, 16, Run(16, torch.linspace(10, 0, 11)), t=torch.full((16,), 10.0 - step))
    x, kept = torch.randn((4, 16, 32)), {"": maps(1)}
    with torch.no_grad():
        plain = layer(x, call)
        untouched = Guided(layer, FIRST, Guidance(), {})(x, call)
        guided = Guided(layer, "up_blocks.3", Guidance(0.6, 1.5), kept)(x, call)
    assert torch.allclose(untouched, plain, atol=1e-6)
    assert torch.allclose(guided, plain, atol=1e-6) is not changed
