"""Windows side by side in one call of the UNet give what they give one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import comfy.model_management as memory
import pytest
import torch
from adk_tests.motion_models.test_adapter_over_time import adapted
from adk_tests.motion_models.test_low_rank import loras
from adk_tests.sampling.test_conditioning import controlled, hints, t2i_adapter
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.call import Call, Run
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.motion_models.strength import values_at
from animatediff_kit.sampling import window_batches
from animatediff_kit.sampling.apply_windows import add_window_phase
from animatediff_kit.sampling.values.control import control_over_time
from animatediff_kit.sampling.values.over_time import value_over_time
from animatediff_kit.sampling.window_phases import window_phase
from animatediff_kit.sampling.windows import WindowSettings
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_easycache import EasyCacheNode
from torch import Tensor

FRAMES, LENGTH = 10, 4
CURVE = ", ".join(f"{frame}: {0.2 * frame:g}" for frame in range(FRAMES))
WINDOW = 2 * LENGTH * 8 * 8
"""Pixels of a call of one window with two conds."""

Case = Callable[[ModelPatcher], tuple[ModelPatcher, dict[str, Any]]]


@pytest.fixture
def batched(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The CPU takes so many windows a call."""
    return lambda count: monkeypatch.setitem(window_batches.PIXELS, "cpu", count * WINDOW)


def sampled(model: ModelPatcher, frames: int = FRAMES, **call: Any) -> tuple[Tensor, list[int]]:
    """The video, and the latents of each call of the UNet."""
    calls: list[int] = []
    unet: Any = model.model.diffusion_model
    hook = unet.out.register_forward_hook(lambda _, args, out: calls.append(len(out)))
    try:
        return windowed.sample_noise(model, windowed.noise_of(frames), **call), calls
    finally:
        hook.remove()


def moving(model: ModelPatcher, family: str = "v2", **settings: Any) -> ModelPatcher:
    motion = tiny.motion_patcher(family)
    return apply_motion_model(model, motion, MotionSettings(**settings))


def values_over_frames(still: ModelPatcher) -> tuple[ModelPatcher, dict[str, Any]]:
    """A strength over frames and pixels, another over frames, a MotionLoRA and a domain adapter of
    their own strengths, ControlNets and prompts of each frame, masks."""
    mask = windowed.random(FRAMES, 8, 8)
    settings = MotionSettings(value_over_time(mask=mask), value_over_time(per_frame=CURVE))
    model = adapted(still, value_over_time(per_frame=CURVE))
    model = apply_motion_model(model, loras(value_over_time(0.5, per_frame=CURVE)), settings)
    control = windowed.control_net().set_cond_hint(hints(FRAMES), 0.7)
    before = control_over_time(t2i_adapter(FRAMES), value_over_time(per_frame=CURVE))
    control.set_previous_controlnet(before)
    entries = dict(control=control, control_apply_to_uncond=True)
    positive = windowed.with_entries(windowed.frame_prompts(11, FRAMES), **entries)
    masked = windowed.with_entries(
        windowed.frame_prompts(51, FRAMES), mask=windowed.random(FRAMES, 64, 64, seed=9), **entries
    )
    negative = windowed.with_entries(windowed.frame_prompts(31, FRAMES), **entries)
    return model, dict(positive=[*positive, *masked], negative=negative)


def norms_across_frames(still: ModelPatcher) -> tuple[ModelPatcher, dict[str, Any]]:
    return moving(still, "v1", norms="across_frames"), {}


CASES: dict[str, Case] = {
    "values over frames": values_over_frames,
    "norms across frames": norms_across_frames,
}


@pytest.mark.parametrize("case", CASES)
def test_side_by_side_is_one_by_one(
    still: ModelPatcher, batched: Callable[[int], None], case: str
) -> None:
    """Windows 0-3, 3-6 and 6-9."""
    model, call = CASES[case](still)
    model = windowed.windowed(model, LENGTH, 1)
    conds = 1 + len(call.get("positive", [0]))
    alone, calls = sampled(model, steps=1, **call)
    assert calls == [conds * LENGTH] * 3
    batched(3 * conds // 2 + 1)
    found, calls = sampled(model, steps=1, **call)
    assert calls == [conds * LENGTH * 3]
    assert by_hand.relative(found, alone) < 1e-4
    frames = alone.std((1, 2, 3))
    assert len(set(frames.tolist())) == FRAMES, "frames that do not differ"


def test_views_inside_and_a_shorter_last_window(
    still: ModelPatcher, batched: Callable[[int], None]
) -> None:
    settings = WindowSettings(LENGTH, schedule="batched", overlap=0)
    model = add_window_phase(moving(still), window_phase(settings, view_length=3, view_overlap=1))
    alone, _ = sampled(model, steps=1)
    batched(8)
    found, calls = sampled(model, steps=1)
    assert calls == [2 * 2 * LENGTH, 2 * 2]  # 0-3 and 4-7 together, 8-9 by itself
    assert by_hand.relative(found, alone) < 1e-4


def easy_cached(model: ModelPatcher) -> ModelPatcher:
    cached = EasyCacheNode.execute(model, 0.0, 0.1, 0.9, False).result
    assert cached is not None
    return cached[0]


def seen_by_another(model: ModelPatcher) -> ModelPatcher:
    """A wrapper that nobody knows, as other packs have them."""
    return windowed.recorded(model, "ad_params")[0]


def grouped_by_another(model: ModelPatcher) -> ModelPatcher:
    model = model.clone()
    model.set_model_unet_function_wrapper(
        lambda apply, call: apply(call["input"], call["timestep"], **call["c"])
    )
    return model


def patched_by_another(model: ModelPatcher) -> ModelPatcher:
    model = model.clone()
    model.set_model_output_block_patch(lambda h, skip, options: (h, skip))
    return model


ALONE: dict[str, Callable[[ModelPatcher], ModelPatcher]] = {
    "a state for each window": easy_cached,
    "another pack's wrapper": seen_by_another,
    "another pack's grouping": grouped_by_another,
    "another pack's patch": patched_by_another,
}


@pytest.mark.parametrize("what", ALONE)
def test_what_knows_one_window_has_one(
    animated: ModelPatcher, batched: Callable[[int], None], what: str
) -> None:
    batched(8)
    _, calls = sampled(ALONE[what](windowed.windowed(animated, LENGTH, 1)), steps=1)
    assert calls == [2 * LENGTH] * 3


def test_a_controlnet_of_its_own_kind_has_one_window(
    animated: ModelPatcher, batched: Callable[[int], None]
) -> None:
    class Strange(windowed.ControlNet):
        pass

    batched(8)
    control = windowed.control_net(kind=Strange).set_cond_hint(hints(FRAMES))
    model = windowed.windowed(animated, LENGTH, 1)
    call = {k: v for k, v in controlled(control).items() if k == "positive"}
    _, calls = sampled(model, steps=1, **call)
    assert LENGTH * 3 not in calls and max(calls) <= 2 * LENGTH


def free_bytes(free: float, device: Any = None, torch_free_too: bool = False) -> Any:
    return (free, free) if torch_free_too else free


def test_free_memory_and_pixels_bound_a_call(
    animated: ModelPatcher, batched: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = windowed.windowed(animated, LENGTH, 1)
    room = animated.model.memory_required([2 * LENGTH, 4, 8, 8])
    for free, calls in ((2.9 * room, [1, 1, 1]), (3.1 * room, [1, 2]), (4.6 * room, [3])):
        batched(8)
        monkeypatch.setattr(memory, "get_free_memory", partial(free_bytes, free))
        assert sampled(model, steps=1)[1] == [2 * LENGTH * count for count in calls]
    batched(1)
    assert sampled(model, steps=1)[1] == [2 * LENGTH] * 3


def test_cancel_between_calls(animated: ModelPatcher, batched: Callable[[int], None]) -> None:
    batched(2)
    unet: Any = animated.model.diffusion_model
    calls: list[int] = []

    def cancel(*_: Any) -> None:
        calls.append(1)
        memory.interrupt_current_processing()

    hook = unet.out.register_forward_hook(cancel)
    try:
        with pytest.raises(memory.InterruptProcessingException):
            windowed.sample_noise(windowed.windowed(animated, LENGTH, 1), windowed.noise_of(FRAMES))
    finally:
        hook.remove()
        memory.interrupt_current_processing(False)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("count", "most", "parts"), [(5, 4, [2, 3]), (6, 2, [2, 2, 2]), (1, 9, [1]), (7, 3, [2, 2, 3])]
)
def test_batches_are_about_as_large(count: int, most: int, parts: list[int]) -> None:
    found = window_batches.evenly(list(range(count)), most)
    assert [len(part) for part in found] == parts
    assert sum(found, []) == list(range(count))


def test_numbers_that_differ_between_windows() -> None:
    """A callable may give a number for one window and a map for the next."""
    run = Run(8).within([0, 1, 4, 5], beside=2)
    call = Call(videos=4, frames=2, run=run)  # two conds
    x = torch.zeros(8, 3, 5, 6)

    def number(call: Call, *_: int) -> float:
        return float(call.indices[0])

    def mixed(call: Call, height: int, width: int) -> Any:
        first = call.indices[0]
        return torch.full((4, 1, height, width), 9.0) if first else 0.5

    assert values_at(lambda call, *_: 0.5, call, x) == 0.5
    for strength, second in ((number, 4.0), (mixed, 9.0)):
        values = values_at(strength, call, x)
        assert isinstance(values, Tensor)
        assert values.expand(8, 1, 5, 6)[:, 0, 0, 0].tolist() == 2 * (
            2 * [0.0 if strength is number else 0.5] + 2 * [second]
        )
