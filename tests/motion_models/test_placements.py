"""Layers stand in the UNet for a block of code and are out again after it."""

from __future__ import annotations

import pytest
import torch
from animatediff_kit.motion_models.placements import Added, Placement, placed
from torch import Tensor, nn


class Plus(Added):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return x + self.value


class Times(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


def sequence() -> nn.Sequential:
    return nn.Sequential(nn.Identity(), nn.Identity(), nn.Identity())


def test_behind_an_anchor_and_behind_what_was_added_there() -> None:
    parent = sequence()
    before = dict(parent._modules)
    first, second = Placement(parent, "a", Plus(1), "1"), Placement(parent, "b", Plus(2), "1")
    with placed([first]), placed([second]):
        assert list(parent._modules) == ["0", "1", "a", "b", "2"]
        assert parent(torch.zeros(1)) == 3
    assert list(parent._modules.items()) == list(before.items())


def test_in_the_place_of_a_layer() -> None:
    parent = sequence()
    before = dict(parent._modules)
    with placed([Placement(parent, "1", Times()), Placement(parent, "a", Plus(1), "1")]):
        assert list(parent._modules) == ["0", "1", "a", "2"]
        assert parent(torch.ones(1)) == 3
    assert list(parent._modules.items()) == list(before.items())


def test_a_provider_sees_what_was_placed_before() -> None:
    parent, seen = sequence(), []

    def provider():
        yield Placement(parent, "1", Times())
        seen.append(type(parent[1]))
        yield Placement(parent, "a", Plus(1), "1")

    with placed(provider()):
        pass
    assert seen == [Times]


def test_an_error_inside_takes_everything_out() -> None:
    parent = sequence()
    before = dict(parent._modules)
    with pytest.raises(RuntimeError, match="inside"), placed([Placement(parent, "1", Times())]):
        raise RuntimeError("inside")
    assert list(parent._modules.items()) == list(before.items())


def test_an_error_of_a_provider_takes_out_what_it_had_placed() -> None:
    parent = sequence()
    before = dict(parent._modules)

    def provider():
        yield Placement(parent, "a", Plus(1), "0")
        yield Placement(parent, "2", Times())
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"), placed(provider()):
        raise AssertionError("the block was run")
    assert list(parent._modules.items()) == list(before.items())
