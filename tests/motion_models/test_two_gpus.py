"""An animated model on a second GPU, as ComfyUI 0.33's node MultiGPU CFG Split makes it there; both
are the CPU here."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.compat import remember_loader
from animatediff_kit.motion_models.inject import applied_keys, apply_motion_model
from animatediff_kit.motion_models.position_tables import (
    PositionSettings,
    set_positions,
    settings_of,
)
from comfy.model_patcher import ModelPatcher

CPU = torch.device("cpu")

needs_copies = pytest.mark.skipif(
    not hasattr(ModelPatcher, "deepclone_multigpu"), reason="ComfyUI 0.3.75 uses one GPU"
)


def image_model() -> ModelPatcher:
    model = tiny.image_model()
    remember_loader(model, tiny.image_model, ())
    return model


def motion_model() -> ModelPatcher:
    motion = tiny.motion_patcher("v2")
    remember_loader(motion, tiny.motion_patcher, ("v2",))
    return motion


def copied(model: Any) -> Any:
    """The copy for the second GPU."""
    return model.deepclone_multigpu(new_load_device=CPU)


@needs_copies
def test_one_motion_model_twice_has_the_positions_of_each() -> None:
    motion = motion_model()
    later = set_positions(motion, PositionSettings(offset=5))
    last = set_positions(motion, PositionSettings(offset=9))
    model = image_model()
    for one in (motion, later, last):
        model = apply_motion_model(model, one)
    second = copied(model)
    for patchers in (model, second):
        found = [patchers.additional_models[key][0] for key in applied_keys(patchers)]
        assert [settings_of(p) for p in found] == [settings_of(p) for p in (motion, later, last)]
    frames, on_second = (tiny.sample(m, frames=4, steps=1) for m in (model, second))
    assert by_hand.same(frames, on_second)
    twice = apply_motion_model(apply_motion_model(image_model(), motion), motion)
    assert not by_hand.same(frames, tiny.sample(twice, frames=4, steps=1))


@needs_copies
def test_one_motion_model_twice_alike_has_its_weights_there_once() -> None:
    motion = set_positions(motion_model(), PositionSettings(offset=5))
    model = apply_motion_model(apply_motion_model(image_model(), motion), motion)
    second = copied(model)
    first, other = (second.additional_models[key][0] for key in applied_keys(second))
    assert first is other and first.model is not motion.model


def test_clones_with_other_positions_share_their_weights_on_one_gpu() -> None:
    motion = motion_model()
    later = set_positions(motion, PositionSettings(offset=5))
    model = apply_motion_model(apply_motion_model(image_model(), motion), later)
    first, other = (model.additional_models[key][0] for key in applied_keys(model))
    assert first.model is other.model is motion.model
