"""Numbers over frames and pixels, and keyframes over the steps, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from animatediff_kit.motion_models.call import Call, Run
from animatediff_kit.nodes.evolved.keyframes import Keyframe, Keyframed, active, in_order, keyframed
from animatediff_kit.nodes.evolved.multivals import multival, product, scaled_mask, strength


def call_at(frames: int, indices: tuple[int, ...] | None = None, videos: int = 1) -> Call:
    run = Run(frames, torch.tensor([8.0, 4.0, 2.0, 1.0, 0.0]))
    shown = frames if indices is None else len(indices)
    return Call(videos, shown, run if indices is None else run.within(indices))


def test_a_number_stays_one() -> None:
    assert multival(1.15) == 1.15 and strength(1.15) == 1.15
    assert multival(2) == 2.0 and product([None, 1.2, None]) == 1.2


def test_a_list_is_a_number_a_frame_and_its_last_goes_on() -> None:
    values: Any = strength(multival([1.0, 2.0, 3.0]))
    found = values(call_at(5, videos=2), 4, 6)
    assert found.shape == (10, 1, 4, 6)
    assert found[:, 0, 0, 0].tolist() == [1, 2, 3, 3, 3] * 2
    assert values(call_at(5, (1, 3)), 2, 2)[:, 0, 1, 1].tolist() == [2, 3]


@pytest.mark.parametrize(
    "value",
    [np.array([1.0, 2.0]), range(1, 3), [np.float32(1), np.float64(2)], np.array([[1], [2]])],
)
def test_lists_of_other_packs(value: Any) -> None:
    found = multival(value)
    assert isinstance(found, torch.Tensor) and found.flatten().tolist() == [1, 2]
    scaled = scaled_mask(0.0, value, torch.ones((2, 1, 1)), False)
    assert isinstance(scaled, torch.Tensor) and scaled.flatten().tolist() == [1, 2]


@pytest.mark.parametrize("value", [np.float32(2), np.array(2.0), torch.tensor(2.0), np.int64(2)])
def test_numbers_of_other_packs(value: Any) -> None:
    assert multival(value) == 2.0


def test_one_entry_is_a_list() -> None:
    assert isinstance(multival(np.array([2.0])), torch.Tensor)


def test_a_mask_times_a_list() -> None:
    mask = torch.ones((2, 2, 2))
    mask[1, 0] = 0.5
    found = multival([1.0, 2.0, 4.0], mask)
    assert isinstance(found, torch.Tensor)
    assert found[:, 0, 0].tolist() == [1, 1, 2] and found[:, 1, 0].tolist() == [1, 2, 4]
    assert torch.equal(multival(0.5, mask), 0.5 * mask)


def test_masks_of_two_sizes() -> None:
    found = product([torch.full((1, 4, 4), 2.0), torch.full((3, 2, 2), 0.5), 3.0])
    assert isinstance(found, torch.Tensor) and found.shape == (3, 4, 4)
    assert torch.equal(found, torch.full((3, 4, 4), 3.0))


def test_a_scaled_mask() -> None:
    mask = torch.tensor([[[0.2, 0.4]], [[0.4, 0.6]]])
    relative = scaled_mask(1.0, 3.0, mask, True)
    absolute = scaled_mask([0.0, 1.0], 2.0, mask, False)
    assert isinstance(relative, torch.Tensor) and isinstance(absolute, torch.Tensor)
    assert torch.allclose(relative.flatten(), torch.tensor([1.0, 2.0, 2.0, 3.0]))
    assert torch.allclose(absolute.flatten(), torch.tensor([0.4, 0.8, 1.4, 1.6]))
    assert torch.equal(scaled_mask(1.0, 3.0, torch.ones((1, 2, 2)), True), torch.ones((1, 2, 2)))


@pytest.mark.parametrize("value", ["1.0x", [], None, float("nan"), [1.0, float("inf")]])
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(
        ValueError, match="^float_val is .*; it must be a number, or a list of them"
    ):
        multival(value)


def test_keyframes_inherit() -> None:
    frames = in_order((Keyframe(0.5, effect=0.2), Keyframe(0.2, scale=1.3), Keyframe(0.8)))
    assert [(f.start, f.scale, f.effect) for f in frames] == [
        (0.0, None, None),
        (0.2, 1.3, None),
        (0.5, 1.3, 0.2),
        (0.8, 1.3, 0.2),
    ]
    assert in_order((Keyframe(0.0, scale=2.0), Keyframe(0.5, inherit=False)))[1].scale is None


@pytest.mark.parametrize(
    ("starts", "least", "expected"),
    [
        ((9.0, 3.0), (1, 1), [0, 0, 1, 1]),  # the second begins where the noise is below 3
        ((9.0, 9.0, 3.0), (1, 2, 1), [1, 1, 2, 2]),  # two at the start: the later one holds
        ((8.0, 5.0, 4.0), (0, 2, 1), [0, 1, 1, 2]),  # for two steps, though the third is due
        ((8.0, 5.0, 4.0), (0, 0, 1), [0, 2, 2, 2]),  # for none: the third at once
    ],
)
def test_which_keyframe_holds(starts: Any, least: Any, expected: list[int]) -> None:
    sigmas = [8.0, 4.0, 2.0, 1.0]
    assert [active(starts, least, sigmas[: i + 1]) for i in range(4)] == expected


def test_a_keyframed_strength() -> None:
    class Sampling:
        def percent_to_sigma(self, percent: float) -> float:
            return 9.0 if percent == 0.0 else 3.0

    value: Any = keyframed(2.0, (Keyframe(0.5, scale=0.25),), "scale")
    assert isinstance(value, Keyframed)
    call = call_at(3)
    assert value(replace(call, t=torch.tensor([1.0])), 1, 1) == 2.0, "no run says when it begins"
    call = replace(call, run=replace(call.run, sampling=Sampling()))
    found = [value(replace(call, t=torch.tensor([s])), 1, 1) for s in (8.0, 4.0, 2.0, 1.0)]
    assert found == [2.0, 2.0, 0.5, 0.5]
    assert keyframed(2.0, (), "scale") == 2.0
