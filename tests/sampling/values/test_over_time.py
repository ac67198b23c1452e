"""Values over time: what they are made of, and that each frame keeps its own."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.call import OPTION, Call, Run
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.sampling.values.over_time import (
    OverTime,
    combined,
    inverse,
    value_over_time,
    whole_frames,
)
from comfy.model_patcher import ModelPatcher
from torch import Tensor

FRAMES = 8


def at(value: OverTime, frames: int = FRAMES, progress: float = 0.0) -> list[float]:
    return value.over_frames(frames, progress).round(6).tolist()


class Halves:
    """As ComfyUI's curves are asked: y at x in 0..1."""

    def interp(self, x: float) -> float:
        return 2.0 * x


def test_all_that_is_given_is_multiplied() -> None:
    value = value_over_time(
        2.0, "0: 0, 4: 1", "0: 1, 100%: 0.5", numbers=[1.0, 1.0, 1.0, 3.0], curve=Halves()
    )
    frames = np.arange(5)
    expected = 2.0 * frames / 4 * np.array([1, 1, 1, 3, 3]) * (2 * frames / 4)
    assert at(value, 5) == pytest.approx(expected.tolist())
    assert at(value, 5, 1.0) == pytest.approx((expected / 2).tolist())
    times = value_over_time(3.0).times(value)
    assert at(times, 5) == pytest.approx((3 * expected).tolist())
    assert at(inverse(value), 5) == pytest.approx((1 - expected).tolist())


def test_cores_curve_where_there_is_one() -> None:
    core: Any = pytest.importorskip("comfy_api.input")
    if not hasattr(core, "CurveInput"):
        pytest.skip("this ComfyUI has no curves")
    points = {"points": [[0, 0], [0.5, 1], [1, 0.5]], "interpolation": "linear"}
    value = value_over_time(2.0, curve=core.CurveInput.from_raw(points))
    assert at(value, 5) == pytest.approx([0, 1, 2, 1.5, 1])


@pytest.mark.parametrize("numbers", [[0.1, 0.2], (0.1, 0.2), torch.tensor([0.1, 0.2])])
def test_lists_hold_their_last_number(numbers: Any) -> None:
    assert at(value_over_time(numbers=numbers), 4) == pytest.approx([0.1, 0.2, 0.2, 0.2])


def test_one_number_serves_all() -> None:
    assert at(value_over_time(numbers=0.3), 3) == pytest.approx([0.3] * 3)


@pytest.mark.parametrize("numbers", ["0.1", [], [1.0, None], [float("nan")], {"a": 1}])
def test_what_is_no_list_of_numbers(numbers: Any) -> None:
    with pytest.raises(ValueError, match="no list of numbers|no finite number"):
        value_over_time(numbers=numbers)


def test_a_curve_that_is_none() -> None:
    with pytest.raises(ValueError, match="curve is dict, which is no curve"):
        value_over_time(curve={"points": []})


def masks(count: int, height: int = 6, width: int = 4) -> Tensor:
    """Others in every frame; white on the left."""
    ramp = torch.linspace(1, 0, width).expand(count, height, width)
    return ramp * torch.linspace(1, 0.5, count).view(-1, 1, 1)


def test_a_mask_mixes_inside_and_outside() -> None:
    mask = masks(FRAMES)
    value = value_over_time(3.0, "0: 1, 7: 0", mask=mask, outside=0.5)
    found = value.maps(range(FRAMES), FRAMES, 6, 4)
    inside = torch.linspace(3, 0, FRAMES).view(-1, 1, 1)
    torch.testing.assert_close(found, 0.5 + (inside - 0.5) * mask)
    # smoothed on the way down, stretched on the way up
    assert value.maps([0], FRAMES, 1, 1)[0, 0, 0] == pytest.approx(0.5 + 2.5 * 0.5, abs=1e-5)
    assert value.maps([0], FRAMES, 12, 9).shape == (1, 12, 9)


@pytest.mark.parametrize(("count", "entries"), [(1, [0, 0, 0]), (2, [0, 1, 1]), (5, [0, 1, 2])])
def test_masks_of_other_lengths(count: int, entries: list[int]) -> None:
    mask = masks(count)
    found = value_over_time(mask=mask).maps(range(3), 3, 6, 4)
    torch.testing.assert_close(found, mask[entries])


def test_a_mask_without_frames_is_one() -> None:
    torch.testing.assert_close(value_over_time(mask=masks(1)[0]).maps([2], 4, 6, 4), masks(1))


@pytest.mark.parametrize("mask", [torch.ones(4), torch.ones(2, 3, 4, 4), torch.ones(0, 4, 4)])
def test_what_is_no_mask(mask: Tensor) -> None:
    with pytest.raises(ValueError, match="it must be one mask, or one a frame"):
        value_over_time(mask=mask)


def test_a_mask_with_nan() -> None:
    with pytest.raises(ValueError, match="The mask holds NaN"):
        value_over_time(mask=torch.full((1, 2, 2), torch.nan))


def test_the_frames_of_a_call_get_their_values() -> None:
    """Two videos of the frames 5 and 2, in a map of 3 x 2."""
    run = Run(FRAMES, torch.tensor([8.0, 4.0, 2.0, 1.0, 0.0])).within([5, 2])
    call = replace(Call.alone(2, 2), run=run, t=torch.tensor([2.0]))
    value = value_over_time(1.0, "0: 0, 7: 7", "0: 0, 1: 1")
    assert call.progress == 0.5
    found = value(call, 3, 2)
    assert isinstance(found, Tensor) and found.shape == (4, 1, 1, 1)
    assert found.flatten().tolist() == [2.5, 1.0, 2.5, 1.0]
    pixels = value_over_time(mask=masks(FRAMES))(call, 6, 4)
    assert isinstance(pixels, Tensor)
    torch.testing.assert_close(pixels[:, 0], masks(FRAMES)[[5, 2, 5, 2]])
    assert value_over_time(0.5, "", "0: 0, 1: 1")(call, 3, 2) == 0.25


def animated(base: ModelPatcher, **settings: Any) -> ModelPatcher:
    return apply_motion_model(base, tiny.motion_patcher("v2"), MotionSettings(**settings))


CURVE = "0: 0.1, 7: 1.5 smooth"


@pytest.mark.parametrize("schedule", ["batched", "views"])
@pytest.mark.parametrize("name", ["strength", "motion_scale"])
def test_values_follow_their_frames_into_windows(
    still: ModelPatcher, name: str, schedule: str
) -> None:
    """Disjoint windows against runs of their frames alone with the values by hand."""
    value = value_over_time(per_frame=CURVE, mask=masks(FRAMES), outside=0.2)
    noise = windowed.noise_of(FRAMES)
    model = windowed.windowed(animated(still, **{name: value}), 4, 0, schedule=schedule)
    found = windowed.sample_noise(model, noise)

    def by_hand_values(frames: range) -> Any:
        def values(call: Call, height: int, width: int) -> Tensor:
            maps = value.maps(frames, FRAMES, height, width).unsqueeze(1)
            return maps.repeat(call.videos, 1, 1, 1)

        return values

    for frames in (range(4), range(4, 8)):
        alone = animated(still, **{name: by_hand_values(frames)})
        expected = windowed.sample_noise(alone, noise[frames.start : frames.stop])
        assert by_hand.relative(found[frames.start : frames.stop], expected) < 1e-4
    plain = windowed.windowed(animated(still), 4, 0, schedule=schedule)
    assert by_hand.relative(found, windowed.sample_noise(plain, noise)) > 1e-3


def test_a_value_that_is_1_everywhere_is_none(still: ModelPatcher) -> None:
    value = value_over_time(2.0, "0: 0.5, 7: 0.5", mask=torch.ones(1, 2, 2))
    found = tiny.sample(animated(still, strength=value, motion_scale=value))
    assert by_hand.relative(found, tiny.sample(animated(still))) < 1e-5


def test_two_motion_models_by_mask_and_by_frame(still: ModelPatcher) -> None:
    """Where a value is 1, the first moves; where it is 0, the second; each as if it were alone."""
    seen: dict[str, Tensor] = {}
    layers = [("v2", 7), ("v2", 8)]
    x = torch.randn((4, 64, 4, 4), generator=torch.Generator().manual_seed(3))
    call = tiny.call(x, 4)
    left = torch.zeros(4, 4, 4)
    left[:, :, :2] = 1
    for value in (value_over_time(mask=left), value_over_time(per_frame="0: 1, 2: 0 step")):
        first, second = (
            tiny.motion_patcher(f, s).model.module("down_blocks.1.motion_modules.1")  # pyright: ignore[reportAttributeAccessIssue]
            for f, s in layers
        )
        with torch.inference_mode():
            seen["first"], seen["second"] = first(x, call), second(x, call)
            y = first(x, replace(call, strength=value))
            y = second(y, replace(call, strength=inverse(value)))
        white = value.maps(range(4), 4, 4, 4).unsqueeze(1).expand_as(x) == 1
        torch.testing.assert_close(y[white], seen["first"][white])
        # the second sees what the first made of the other pixels or frames through its norm and
        # its attention; what it gives is still its own
        assert not torch.equal(y[~white], x[~white])
        assert (y - seen["first"])[~white].abs().max() > 0.01
    blended = apply_motion_model(
        animated(still, strength=value_over_time(mask=left)),
        tiny.motion_patcher("v2", 8),
        MotionSettings(inverse(value_over_time(mask=left))),
    )
    found = tiny.sample(blended)
    for other in (animated(still), apply_motion_model(still, tiny.motion_patcher("v2", 8))):
        assert by_hand.relative(found, tiny.sample(other)) > 1e-3


def test_what_does_not_fit_the_video_is_told_once(
    still: ModelPatcher, caplog: pytest.LogCaptureFixture
) -> None:
    value = value_over_time(
        per_frame="0: 1, 100: 0, 200: 1", numbers=[1.0, 0.9], mask=torch.ones(6, 2, 2)
    )
    with caplog.at_level(logging.WARNING):
        tiny.sample(animated(still, strength=value), frames=4)
    told = [r.getMessage() for r in caplog.records if "A strength over" in r.getMessage()]
    assert told == [
        "A strength over 4 frames does not fit them: its mask has 6 entries, of which those from "
        "4 on are unused; its keyframes at 100, 200 lie behind it; its list has 2 numbers, of "
        "which the last holds on."
    ]
    caplog.clear()
    fitting = value_over_time(per_frame="0: 1, 3: 0", numbers=[1.0] * 4, mask=torch.ones(4, 2, 2))
    tiny.sample(animated(still, strength=fitting), frames=4)
    assert not [r for r in caplog.records if "A strength over" in r.getMessage()]


def test_outside_of_a_run_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    call = Call.alone(1, 4)
    assert OPTION not in call.options
    value_over_time(numbers=[1.0, 2.0])(call, 1, 1)
    assert not caplog.records


def test_a_widget_multiplies_what_is_connected() -> None:
    value = value_over_time(per_frame="0: 1, 1: 2")
    found = combined(0.5, value)
    assert isinstance(found, OverTime) and at(found, 2) == [0.5, 1.0]
    assert combined(0.5, None) == 0.5 and combined(0.0, value) == 0.0


def test_masks_where_whole_frames_are_meant() -> None:
    value = value_over_time(per_frame="0: 1, 1: 2")
    assert whole_frames(value, "A prompt") is value
    with pytest.raises(ValueError, match="^A prompt acts on whole frames, but .* Take the mask"):
        whole_frames(value.times(value_over_time(mask=torch.ones(1, 2, 2))), "A prompt")


@pytest.mark.parametrize("over_time", [None, value_over_time(per_frame="0: 1, 4: 0")])
def test_a_widgets_number_that_is_none(over_time: OverTime | None) -> None:
    with pytest.raises(ValueError, match=r"^A strength is nan, which is no number to multiply"):
        combined(float("nan"), over_time)
