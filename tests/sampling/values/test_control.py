"""A ControlNet over time: each frame gets the strength of its own, through windows and chains."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from adk_tests.sampling.test_conditioning import controlled, hints, t2i_adapter
from adk_tests.sampling.test_self_cutting_controls import CutsItself
from adk_tests.support import by_hand, tiny, windowed
from adk_tests.support.windowed import FRAMES, control_net, frame_prompts, with_entries
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.sampling.values.control import ControlOverTime, added, control_over_time
from animatediff_kit.sampling.values.over_time import value_over_time
from comfy.model_patcher import ModelPatcher
from torch import Tensor

STRENGTHS = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5]
CURVE = ", ".join(f"{frame}: {value}" for frame, value in enumerate(STRENGTHS))


def run(model: ModelPatcher, control: Any, noise: Tensor) -> Tensor:
    return windowed.sample_noise(model, noise, **controlled(control))


def one_frame(still: ModelPatcher, control: Any, frame: int) -> Tensor:
    """The frame alone, with its prompts."""
    entries = dict(control=control, control_apply_to_uncond=True)
    call = {
        name: with_entries([[text[frame : frame + 1], extra]], **entries)
        for name, [[text, extra]] in (
            ("positive", frame_prompts(11)),
            ("negative", frame_prompts(31)),
        )
    }
    return windowed.sample_noise(still, windowed.noise_of()[frame : frame + 1], **call)


@pytest.mark.parametrize("schedule", ["", "standard_static", "batched"])
@pytest.mark.parametrize("make", [control_net, t2i_adapter])
def test_each_frame_has_its_own_strength(still: ModelPatcher, make: Any, schedule: str) -> None:
    """Without motion no frame sees another: each is a run with its hint and strength alone."""
    over_time = control_over_time(make(), value_over_time(per_frame=CURVE))
    over_time.set_cond_hint(hints(), 0.7)
    model = windowed.windowed(still, schedule=schedule) if schedule else still
    found = run(model, over_time, windowed.noise_of())
    for frame, value in enumerate(STRENGTHS):
        alone = make().set_cond_hint(hints()[frame : frame + 1], 0.7 * value)
        expected = one_frame(still, alone, frame)
        assert by_hand.relative(found[frame : frame + 1], expected) < 1e-4, frame
    assert (
        by_hand.relative(found, run(still, make().set_cond_hint(hints(), 0.7), windowed.noise_of()))
        > 1e-3
    )


def test_views_give_what_windows_give(still: ModelPatcher) -> None:
    model = apply_motion_model(still, tiny.motion_patcher("v2"))
    found = []
    for schedule in ("views", "batched"):
        control = control_over_time(control_net(), value_over_time(per_frame=CURVE))
        windows = windowed.windowed(model, 4, 0, schedule=schedule)
        found.append(run(windows, control.set_cond_hint(hints(8)), windowed.noise_of(8)))
    assert by_hand.relative(*found) < 1e-4


def chained(first: Any, second: Any) -> Any:
    return second.set_previous_controlnet(first)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("part", [(0.0, 1.0), (0.5, 1.0)])
def test_in_a_chain_it_scales_itself_alone(
    still: ModelPatcher, place: int, part: tuple[float, float]
) -> None:
    """A constant over time against the same number in core; also where it rests at first."""

    def pair(value: Any) -> Any:
        both = [control_net(21 + i).set_cond_hint(hints(seed=5 + i), 0.8, part) for i in (0, 1)]
        if isinstance(value, float):
            both[place].strength *= value
        else:
            both[place] = control_over_time(both[place], value)
        return chained(*both)

    noise = windowed.noise_of()
    model = windowed.windowed(still)
    found = run(model, pair(value_over_time(0.4)), noise)
    assert by_hand.relative(found, run(model, pair(0.4), noise)) < 1e-5
    assert by_hand.relative(found, run(model, pair(1.0), noise)) > 1e-4


def test_masks_follow_the_picture(still: ModelPatcher) -> None:
    """What a ControlNet gives, with a mask of its right half."""
    mask = torch.zeros(1, 8, 8)
    mask[:, :, 4:] = 1
    plain = control_net().set_cond_hint(hints())
    half = control_over_time(plain, value_over_time(mask=mask))
    x, t = windowed.noise_of(), torch.ones(FRAMES)
    cond = {"c_crossattn": frame_prompts(11)[0][0]}
    for control in (plain, half):
        control.pre_run(still.model, still.model.model_sampling.percent_to_sigma)
    with torch.inference_mode():
        whole = plain.get_control(x, t, dict(cond), 1, {})
        found = half.get_control(x, t, dict(cond), 1, {})
    for one, other in zip(whole["output"], found["output"], strict=True):
        if one is None or one.shape[3] != 8:
            continue
        assert torch.equal(other[..., 4:], one[..., 4:]) and not other[..., :4].any()
        assert one[..., :4].abs().max() > 1e-3
        break
    else:
        pytest.fail("no signal of the latents' size")


def test_over_the_steps_without_a_motion_model(still: ModelPatcher) -> None:
    """Progress is known from the sampler where nothing of the pack is on the model."""
    seen: list[float] = []

    def early(call: Call, height: int, width: int) -> float:
        seen.append(call.progress)
        return 1.0

    control = control_over_time(control_net(), early).set_cond_hint(hints())
    windowed.sample_noise(still, windowed.noise_of(), steps=4, **controlled(control))
    assert sorted(set(seen)) == [0.0, 0.25, 0.5, 0.75]


def test_one_that_cuts_its_hints_itself(still: ModelPatcher) -> None:
    control = control_net(kind=CutsItself)
    over_time = control_over_time(control, value_over_time(per_frame=CURVE))
    over_time.set_cond_hint(hints())
    found = run(windowed.windowed(still), over_time, windowed.noise_of())
    core = control_over_time(control_net(), value_over_time(per_frame=CURVE))
    expected = run(still, core.set_cond_hint(hints()), windowed.noise_of())
    assert by_hand.relative(found, expected) < 1e-4


def test_the_one_that_came_in_stays_as_it_is() -> None:
    control = control_net()
    over_time = control_over_time(control, value_over_time(0.5))
    applied = over_time.copy().set_cond_hint(hints(), 0.3)
    assert isinstance(applied, ControlOverTime) and applied.strength == 0.3
    assert control.strength == over_time.strength == 1.0 and control.cond_hint_original is None
    cut = copy.copy(applied)
    cut.cond_hint_original = None
    assert applied.cond_hint_original is not None
    [loaded] = applied.get_models()
    assert loaded.model is control.control_model


def test_signals_are_added_by_place() -> None:
    one, two = torch.ones(2, 1, 1, 1), 2 * torch.ones(2, 1, 1, 1)
    found = added({"input": [one, None, one]}, {"input": [two, two], "middle": [two]})
    assert [None if s is None else s[0].item() for s in found["input"]] == [3, 2, 1]
    assert [s[0].item() for s in found["middle"] if s is not None] == [2]
