"""Axes: low-rank pairs in blocks, each scaled by what a clip shows of its axis."""

from __future__ import annotations

import pytest
import torch
from animatediff_kit.training.models.axes import Amounts, Axes, axis_tensors
from animatediff_kit.training.models.low_rank import LowRankLinear
from torch import Tensor, nn

IN, OUT, RANK, PIXELS = 6, 5, 3, 4
MOVES = (("zoom in", "zoom out"), ("pan left", "pan right"))
CLIPS = {"a": (0.5, 0.0), "b": (-1.0, 0.25)}


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def trained() -> tuple[LowRankLinear, Amounts]:
    amounts = Amounts(Axes(MOVES, CLIPS), RANK)
    torch.manual_seed(0)
    layer = LowRankLinear(nn.Linear(IN, OUT), RANK, generator(1), amounts=amounts)
    with torch.no_grad():
        layer.up.weight.copy_(torch.randn(layer.up.weight.shape, generator=generator(2)))
    return layer, amounts


def files(layer: LowRankLinear) -> dict[str, dict[str, Tensor]]:
    names = {"x_lora.down.weight": layer.down.weight, "x_lora.up.weight": layer.up.weight}
    return axis_tensors({name: weight.detach() for name, weight in names.items()}, MOVES)


def changed(layer: LowRankLinear, file: dict[str, Tensor], x: Tensor) -> Tensor:
    return x @ (file["x_lora.up.weight"] @ file["x_lora.down.weight"]).T


def test_each_clip_is_changed_by_its_amounts_of_the_files() -> None:
    layer, amounts = trained()
    x = torch.randn((2 * PIXELS, 7, IN), generator=generator(3))
    with amounts.of(amounts.rows(["a", "b"])), torch.no_grad():
        found = layer(x)
    of_move = files(layer)
    with torch.no_grad():
        for clip, name in enumerate("ab"):
            own = slice(clip * PIXELS, (clip + 1) * PIXELS)
            wanted = layer.linear(x[own])
            for (move, _), amount in zip(MOVES, CLIPS[name], strict=True):
                wanted = wanted + amount * changed(layer, of_move[move], x[own])
            torch.testing.assert_close(found[own], wanted, rtol=1e-5, atol=1e-5)


def test_outside_of_a_batch_the_first_axis_stands_at_one() -> None:
    layer, amounts = trained()
    x = torch.randn((PIXELS, 7, IN), generator=generator(3))
    with pytest.raises(RuntimeError), amounts.of(amounts.rows(["b"])):
        raise RuntimeError
    with torch.no_grad():
        wanted = layer.linear(x) + changed(layer, files(layer)["zoom in"], x)
        torch.testing.assert_close(layer(x), wanted, rtol=1e-5, atol=1e-5)


def test_a_move_and_its_opposite_differ_by_the_sign_of_one_factor() -> None:
    layer, _ = trained()
    of_move = files(layer)
    assert list(of_move) == ["zoom in", "zoom out", "pan left", "pan right"]
    for there, back in MOVES:
        up, down = "x_lora.up.weight", "x_lora.down.weight"
        assert torch.equal(of_move[there][up], -of_move[back][up])
        assert torch.equal(of_move[there][down], of_move[back][down])
    assert of_move["zoom in"]["x_lora.down.weight"].shape == (RANK, IN)
    assert not torch.equal(of_move["zoom in"][up], of_move["pan left"][up])


def test_down_starts_as_that_of_one_axis_alone() -> None:
    amounts = Amounts(Axes(MOVES, CLIPS), 8)
    layer = LowRankLinear(nn.Linear(2000, 4), 8, generator(5), amounts=amounts)
    assert layer.down.weight.shape == (16, 2000)
    assert float(layer.down.weight.detach().std()) == pytest.approx(1 / 8, rel=0.05)
