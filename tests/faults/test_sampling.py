"""Out of memory, and Cancel, at every kind of place in a sampling run: plain, in windows, in views,
with FreeInit. The UNet comes out as it went in, and the next run is right bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy.model_management as memory
import comfy.sample
import comfy.samplers
import pytest
import torch
from adk_tests.faults.places import Fault, hooked, places, press_cancel, run_out, tree
from adk_tests.support import by_hand, tiny
from adk_tests.training import small
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.sampling.apply_windows import apply_context_windows
from animatediff_kit.sampling.free_init import FreeInitSampler
from animatediff_kit.sampling.windows import VIEWS, WindowSettings
from comfy.model_patcher import ModelPatcher
from torch import Tensor

FRAMES, LENGTH = 5, 3


def windowed(model: ModelPatcher, schedule: str) -> ModelPatcher:
    return apply_context_windows(model, WindowSettings(LENGTH, 1, schedule=schedule))


MODES: dict[str, Callable[[ModelPatcher], ModelPatcher]] = {
    "plain": lambda model: model,
    "windows": lambda model: windowed(model, "standard_static"),
    "views": lambda model: windowed(model, VIEWS),
    "FreeInit": lambda model: windowed(model, "standard_static"),
}


LATE = ("windows", "FreeInit")
"""Modes in which the fault comes at the end: in the last window, step and iteration."""


def sample(model: ModelPatcher, mode: str) -> Tensor:
    """Two Euler steps, with FreeInit twice over.   -> f 4 8 8"""
    noise = torch.randn((FRAMES, 4, 8, 8), generator=torch.Generator().manual_seed(1))
    euler: Any = comfy.samplers.sampler_object("euler")
    sampler = FreeInitSampler(euler, 2, "butterworth") if mode == "FreeInit" else euler
    sigmas = torch.tensor([10.0, 1.0, 0.0])
    with torch.inference_mode():
        return comfy.sample.sample_custom(
            model,
            noise,
            3.0,
            sampler,
            sigmas,
            tiny.prompt(11),
            tiny.prompt(12),
            torch.zeros_like(noise),
            disable_pbar=True,
            seed=1,
        )


@pytest.fixture(scope="module")
def base() -> ModelPatcher:
    return small.image_model()


@pytest.fixture(scope="module")
def motion() -> ModelPatcher:
    return small.motion_patcher()


def animated(base: ModelPatcher, motion: ModelPatcher, mode: str) -> ModelPatcher:
    return MODES[mode](apply_motion_model(base, motion))


def whole(base: ModelPatcher, motion: ModelPatcher) -> list[Any]:
    """Weights and layers of both models."""
    models = (base.model, motion.model)
    return [(by_hand.fingerprint(model), tree(model)) for model in models]


@pytest.mark.parametrize("mode", MODES)
def test_out_of_memory_at_every_kind_of_place(
    base: ModelPatcher, motion: ModelPatcher, mode: str
) -> None:
    model = animated(base, motion, mode)
    expected = sample(model, mode)
    before = whole(base, motion)
    where = places(lambda: sample(model, mode), last=mode in LATE)
    assert len(where) > 25 and {"TemporalAttention/Linear", "GEGLU/Linear"} <= set(where)
    for place, number in where.items():
        fault = Fault(number, run_out)
        with hooked(fault), pytest.raises(torch.OutOfMemoryError, match="no room for this layer"):
            sample(model, mode)
        assert fault.calls == number, place
        assert [tree(m) for m in (base.model, motion.model)] == [t for _, t in before], place
    assert torch.equal(sample(model, mode), expected)
    memory.unload_all_models()
    assert whole(base, motion) == before
    assert torch.equal(sample(animated(base, motion, mode), mode), expected)


@pytest.mark.parametrize("mode", MODES)
def test_cancel_in_every_phase(base: ModelPatcher, motion: ModelPatcher, mode: str) -> None:
    """In the first call of the UNet, at its end, and in the middle of the run."""
    model = animated(base, motion, mode)
    counted = Fault(0, run_out)
    with hooked(counted):
        expected = sample(model, mode)
    before = whole(base, motion)
    for number in (1, 2, counted.calls // 4, counted.calls // 2):
        fault = Fault(number, press_cancel)
        with hooked(fault), pytest.raises(memory.InterruptProcessingException):
            sample(model, mode)
        assert number <= fault.calls < counted.calls
        assert [tree(m) for m in (base.model, motion.model)] == [t for _, t in before]
        assert torch.equal(sample(model, mode), expected)
    memory.unload_all_models()
    assert whole(base, motion) == before


def test_cancel_before_sampling(base: ModelPatcher) -> None:
    """While models are loaded and applied; what was applied is whole."""
    model = apply_motion_model(base, small.motion_patcher())
    expected = sample(model, "plain")
    press_cancel()
    again = apply_motion_model(base, small.motion_patcher())
    with pytest.raises(memory.InterruptProcessingException):
        sample(again, "plain")
    assert torch.equal(sample(again, "plain"), expected)
