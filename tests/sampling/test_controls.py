"""Hints of ControlNets are prepared once a run, as far as memory allows."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import comfy.utils
import pytest
import torch
from adk_tests.sampling.test_conditioning import controlled, hints, stacked, t2i_adapter
from adk_tests.support import by_hand, windowed
from adk_tests.support.windowed import FRAMES
from animatediff_kit.motion_models.call import Run
from animatediff_kit.sampling.controls import Hints, hints_of, prepared_bytes
from animatediff_kit.sampling.views.controls import ControlInParts
from comfy.controlnet import ControlBase, T2IAdapter
from comfy.model_patcher import ModelPatcher
from torch import Tensor

STEPS = 3
WINDOWS = 2
SCHEDULES = ["standard_static", "views"]


class Counted:
    """How often core resizes hints, and a T2I-Adapter's network runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.resizes = self.forwards = 0
        resize = comfy.utils.common_upscale

        def counted(*args: Any, **kwargs: Any) -> Tensor:
            self.resizes += 1
            return resize(*args, **kwargs)

        monkeypatch.setattr(comfy.utils, "common_upscale", counted)

    def watch(self, adapter: T2IAdapter) -> None:
        def count(*_: Any) -> None:
            self.forwards += 1

        adapter.t2i_model.register_forward_hook(count)


def run(model: ModelPatcher, control: Any, schedule: str) -> Tensor:
    windows = windowed.windowed(model, schedule=schedule)
    call = controlled(control)
    return windowed.sample_noise(windows, windowed.noise_of(), steps=STEPS, **call)


def whole(model: ModelPatcher, control: Any) -> Tensor:
    return windowed.sample_noise(model, windowed.noise_of(), steps=STEPS, **controlled(control))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_hints_are_resized_once_a_window(
    animated: ModelPatcher, counted: Counted, schedule: str
) -> None:
    run(animated, windowed.control_net().set_cond_hint(hints()), schedule)
    assert counted.resizes == WINDOWS


def test_an_adapters_network_runs_once_a_window(still: ModelPatcher, counted: Counted) -> None:
    adapter = t2i_adapter()
    counted.watch(adapter)
    frames = run(still, adapter, "standard_static")
    assert counted.forwards == WINDOWS
    assert by_hand.relative(frames, whole(still, t2i_adapter())) < windowed.ROUNDING


@pytest.mark.parametrize("budget", [0, 40_000])
@pytest.mark.parametrize("make", [t2i_adapter, stacked])
def test_beyond_the_budget_windows_are_prepared_again(
    still: ModelPatcher,
    counted: Counted,
    monkeypatch: pytest.MonkeyPatch,
    budget: int,
    make: Callable[[], Any],
) -> None:
    monkeypatch.setattr(Hints.__init__, "__defaults__", (budget,))
    frames = run(still, make(), "standard_static")
    assert counted.resizes > WINDOWS
    assert by_hand.relative(frames, whole(still, make())) < windowed.ROUNDING


def test_the_oldest_copies_stay_within_the_budget() -> None:
    control = windowed.control_net().set_cond_hint(hints())
    kept = Hints(budget=3000)
    for start in range(4):
        copy = kept.of(control, [start])
        copy.cond_hint = torch.zeros(1, 1, 16, 16)  # 1,024 bytes
        kept.trim()
    assert [window for _, window in kept.copies] == [(0,), (1,)]
    assert kept.of(control, [0]) is kept.of(control, [0]) is not control


def test_bytes_of_what_was_prepared() -> None:
    control: Any = t2i_adapter()
    assert prepared_bytes(control) == 0
    control.cond_hint = torch.zeros(2, 3, 4, 4)
    control.control_input = {"input": [torch.zeros(10), None], "middle": (torch.zeros(5),)}
    assert prepared_bytes(control) == 4 * (2 * 3 * 4 * 4 + 15)


def test_conds_of_a_window_share_a_copy_and_the_original_is_as_it_was() -> None:
    control, kept = stacked(), Hints()
    before = dict(vars(control))
    cut = kept.of(control, [4, 5])
    assert cut is kept.of(control, [4, 5]) and cut is not kept.of(control, [5, 4])
    assert cut.previous_controlnet is kept.of(control.previous_controlnet, [4, 5])
    assert torch.equal(cut.cond_hint_original, control.cond_hint_original[4:6])
    after = dict(vars(control))
    assert after.keys() == before.keys() and all(after[key] is before[key] for key in before)


def test_hints_die_with_their_run() -> None:
    """Also where nothing collects garbage."""
    gc.disable()
    try:
        sampling = Run(7)
        kept = hints_of(sampling)
        assert hints_of(sampling.within([1, 2])) is kept
        found = weakref.ref(kept.of(windowed.control_net().set_cond_hint(hints()), [1, 2]))
        del kept, sampling
        assert found() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_another_run_prepares_its_own_hints(
    animated: ModelPatcher, counted: Counted, schedule: str
) -> None:
    """The hints of a ControlNet may have been replaced in between."""
    control = windowed.control_net().set_cond_hint(hints(seed=5))
    first = run(animated, control, schedule)
    control.set_cond_hint(hints(seed=6))
    second = run(animated, control, schedule)
    fresh = run(animated, windowed.control_net().set_cond_hint(hints(seed=6)), schedule)
    assert by_hand.same(second, fresh) and not by_hand.same(first, second)


def test_views_ask_a_control_for_its_copy_on_a_device() -> None:
    """As core does for several GPUs, since 0.33."""
    control: Any = windowed.control_net().set_cond_hint(hints())
    clone: Any = windowed.control_net(22).set_cond_hint(hints())
    device = torch.device("meta")
    control.multigpu_clones = {device: clone}
    parts = ControlInParts(control, 7, 4, Hints(budget=3))
    on_device = parts.get_instance_for_device(device)
    assert isinstance(on_device, ControlInParts) and on_device.control is clone
    assert (on_device.frames, on_device.length) == (7, 4)
    assert parts.get_instance_for_device(torch.device("cpu")) is parts
    # core calls both at once, from a thread for each device
    assert on_device.hints is not parts.hints and on_device.hints.budget == 3
    assert parts.get_instance_for_device(device).hints is on_device.hints, "kept from step to step"


def test_views_call_a_control_that_two_devices_share_one_after_the_other() -> None:
    """One that cuts its hints itself, and has no copy there, is told its frames."""

    class Shared(ControlBase):
        sub_idxs = None
        told: list[tuple[Any, bool]] = []

        def get_control(self, *_: Any) -> Any:
            self.told.append((self.sub_idxs, parts.hints.lock.acquire(blocking=False)))

    shared: Any = Shared()
    parts = ControlInParts(shared, 7, 4, Hints())
    on_second = parts.get_instance_for_device(torch.device("meta"))
    x, sigma = torch.zeros(7, 4, 8, 8), torch.ones(7)
    assert on_second.get_control(x, sigma, {}, 1, {}) is None
    assert shared.told == [([0, 1, 2, 3], False), ([4, 5, 6], False)]
    assert shared.sub_idxs is None and parts.hints.lock.acquire(blocking=False)


@pytest.mark.parametrize("videos", [1, 2])
@pytest.mark.parametrize("count", [1, FRAMES])
def test_views_keep_an_adapters_signals_with_the_feature_maps(count: int, videos: int) -> None:
    """The UNet takes what lies on another device for a signal that does not fit."""
    adapter: Any = t2i_adapter().set_cond_hint(hints(count))
    x, sigma = torch.zeros(videos * FRAMES, 4, 8, 8), torch.ones(videos * FRAMES)
    for home in (torch.device("meta"), torch.device("cpu")):
        parts = ControlInParts(adapter, FRAMES, 4, Hints(), home)
        signals = parts.get_control(x, sigma, {}, videos, {})
        found = [s for place in signals.values() for s in place if s is not None]
        assert found and all(signal.device == home for signal in found)
        assert {len(signal) for signal in found} == {1 if count == 1 else videos * FRAMES}
    expected = adapter.get_control(x, sigma, {}, videos, {})
    for place, entries in expected.items():
        for one, other in zip(signals[place], entries, strict=True):
            assert (one is None) == (other is None)
            assert one is None or torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("part", [dict(start_percent=0.5), dict(end_percent=0.5)])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_an_adapter_acts_when_conds_come_and_go(
    animated: ModelPatcher,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    part: dict[str, float],
    schedule: str,
) -> None:
    """A second prompt in half of the steps: batches of two sizes."""

    def sampled() -> Tensor:
        call = controlled(t2i_adapter())
        text, extra = call["positive"][0]
        call["positive"] = [*call["positive"], [text.flip(0), {**extra, **part}]]
        model = windowed.windowed(animated, schedule=schedule)
        return windowed.sample_noise(model, windowed.noise_of(), steps=4, **call)

    kept = sampled()
    assert not [r for r in caplog.records if "could not be applied" in r.getMessage()]
    monkeypatch.setattr(Hints.__init__, "__defaults__", (0,))
    assert by_hand.relative(kept, sampled()) < windowed.ROUNDING
