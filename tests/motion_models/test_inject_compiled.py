"""torch.compile over the UNet: same frames, right frame counts, no new graph from step to step."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch._dynamo
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.load import build
from animatediff_kit.motion_models.specs import (
    FAMILIES,
    MotionLayout,
    MotionSpec,
    expected_shapes,
)
from comfy.ldm.modules.attention import attention_pytorch
from comfy.model_patcher import ModelPatcher
from comfy_api.torch_helpers import set_torch_compile_wrapper
from torch._dynamo.utils import counters

LAYOUT = MotionLayout((32,), True, layers=1)
UNET = dict(
    channel_mult=(1,), num_res_blocks=[1], transformer_depth=[1], transformer_depth_output=[1, 1]
)
"""One level of one layer: tracing takes seconds for each layer, and shows as much on few."""


@pytest.fixture
def base() -> ModelPatcher:
    """ComfyUI's SD1.5 model with a UNet that small."""
    patcher = tiny.loaded(tiny.TinySD15({**tiny.UNETS["SD1.5"], **UNET, "dtype": torch.float32}))
    patcher.model_options["transformer_options"]["optimized_attention_override"] = gpu_attention
    return patcher


def gpu_attention(_: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    """What ComfyUI takes on a GPU; its choice for a CPU reads /proc, which breaks every graph."""
    return attention_pytorch(*args, **kwargs)


def small_motion(family: str) -> ModelPatcher:
    """A motion model of one layer a level with a middle module."""
    shapes = expected_shapes(LAYOUT)
    weights = tiny.randomise({key: torch.empty(shape) for key, shape in shapes.items()}, 7)
    return build(MotionSpec("small", FAMILIES[family], LAYOUT, 24), weights)


@pytest.fixture(autouse=True)
def fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def keep_guards(entries: Any) -> list[bool]:
    """What TorchCompileModel passes from 0.33 on: nothing in transformer_options is guarded."""
    return ["transformer_options" not in entry.name for entry in entries]


def compiled(model: ModelPatcher, filtered: bool) -> ModelPatcher:
    keywords = {"disable_dynamic": True}
    known = inspect.signature(model.clone).parameters
    clone = model.clone(**{k: v for k, v in keywords.items() if k in known})
    options = {"guard_filter_fn": keep_guards} if filtered else None
    set_torch_compile_wrapper(clone, backend="eager", options=options)
    return clone


def compilations() -> int:
    return counters["frames"]["total"]


@pytest.mark.parametrize(("filtered", "motion_first"), [(True, True), (True, False), (False, True)])
def test_frame_counts_and_recompilation(
    base: ModelPatcher, filtered: bool, motion_first: bool
) -> None:
    """2 prompts x 4 frames and 1 prompt x 8 frames are the same batch to the UNet."""
    motion = small_motion("v2")
    plain = apply_motion_model(base, motion)
    fours, eights = tiny.sample(plain), tiny.sample(plain, frames=8, cfg=1.0)
    if motion_first:
        model = compiled(plain, filtered)
    else:
        model = apply_motion_model(compiled(base, filtered), motion)
    assert by_hand.relative(tiny.sample(model), fours) < 1e-5
    assert compilations() > 0
    assert by_hand.relative(tiny.sample(model, frames=8, cfg=1.0), eights) < 1e-5
    again = compilations()
    more = tiny.sample(model, steps=4, scheduler="karras", seed=2)
    assert compilations() == again, "a step made a new graph"
    assert by_hand.relative(more, tiny.sample(plain, steps=4, scheduler="karras", seed=2)) < 1e-4


def test_norms_across_frames_compiled(base: ModelPatcher) -> None:
    plain = apply_motion_model(base, small_motion("v1"))
    expected = tiny.sample(plain)
    assert by_hand.relative(tiny.sample(compiled(plain, True)), expected) < 1e-5
    assert compilations() > 0


def test_the_base_is_not_compiled_with_motion_in_it(base: ModelPatcher) -> None:
    """A compiled base keeps giving still frames after an animated clone has run, and back."""
    still = tiny.sample(base)
    shared = compiled(base, True)
    model = apply_motion_model(shared, small_motion("v2"))
    moving = tiny.sample(apply_motion_model(base, small_motion("v2")))
    for candidate, expected in ((shared, still), (model, moving), (shared, still), (model, moving)):
        assert by_hand.relative(tiny.sample(candidate), expected) < 1e-5
