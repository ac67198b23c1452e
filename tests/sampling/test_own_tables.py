"""Noise schedules that loading does not exchange: models of one checkpoint in every order, in the
patcher that this ComfyUI has for GPUs."""

from __future__ import annotations

import copy
from itertools import product
from types import SimpleNamespace
from typing import Any

import comfy.model_patcher
import comfy.model_sampling
import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.motion_models.specs import FAMILIES
from animatediff_kit.sampling.betas import apply_beta_schedule, set_beta_schedule
from animatediff_kit.sampling.own_tables import with_own_tables
from comfy.model_patcher import ModelPatcher

CPU = torch.device("cpu")

DYNAMIC: Any = getattr(comfy.model_patcher, "ModelPatcherDynamic", None)

PINS = ("weights", "patches", "weights-loaded", "patches-loaded")


def for_gpus(model: ModelPatcher) -> ModelPatcher:
    """The model as ComfyUI holds it on a GPU: from 0.33 on with dynamic VRAM, whose own patcher
    loads to the CPU too where its constructor is not asked."""
    if DYNAMIC is None:
        return model

    class OnTheCPU(DYNAMIC):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return object.__new__(cls)

    # host memory that a GPU reads, of which a CPU has none
    pins: Any = {name: (SimpleNamespace(size=0), [], [-1], [0], [0], {}) for name in PINS}
    pins.update(hostbufs_initialized=True, failed=False, active=False, current_prompt=False)
    model.model.dynamic_pins = {CPU: pins}
    return OnTheCPU(model.model, CPU, CPU)


def load(model: ModelPatcher) -> None:
    """As ComfyUI's model management does where another clone was loaded before."""
    if DYNAMIC is None:
        model.model.current_weight_patches_uuid = None
    model.partially_load(CPU)


SCHEDULED = {
    "plain": lambda model: model,
    "animated": lambda model: apply_beta_schedule(model, "automatic", FAMILIES["v3"]),
    "AnimateLCM": lambda model: apply_beta_schedule(model, "automatic", FAMILIES["AnimateLCM"]),
    "cosine": lambda model: set_beta_schedule(model, "cosine"),
    "average": lambda model: set_beta_schedule(model, "LCM average"),
}


def tables(model: ModelPatcher) -> tuple[torch.Tensor, torch.Tensor]:
    sampling: Any = model.get_model_object("model_sampling")
    return sampling.sigmas.clone(), sampling.log_sigmas.clone()


ORDERS = [place for order in product((0, 1, 2), repeat=3) for place in order]
"""Every order of three loads, one behind the other."""


@pytest.mark.parametrize("other", ["animated", "cosine", "average"])
def test_loaded_in_any_order(other: str) -> None:
    plain = for_gpus(tiny_model())
    models = [SCHEDULED[name](plain) for name in ("plain", "AnimateLCM", other)]
    wanted = [tables(model) for model in models]
    for place in ORDERS:
        load(models[place])
        running: Any = models[place].model.model_sampling  # what a sampler's steps read
        assert torch.equal(running.sigmas, wanted[place][0])
        for model, before in zip(models, wanted, strict=True):
            assert all(map(torch.equal, tables(model), before))


def tiny_model() -> ModelPatcher:
    """A checkpoint whose weights are few, so that it is loaded fast."""
    model = tiny.image_model()
    model.model.diffusion_model = torch.nn.Linear(2, 2)
    return model


def test_the_tables_are_no_buffers_and_move() -> None:
    sampling = set_beta_schedule(tiny.image_model(), "cosine").get_model_object("model_sampling")
    assert not dict(sampling.named_buffers()) and not sampling.state_dict()
    there: Any = copy.deepcopy(sampling).to("meta")
    assert there.sigmas.device.type == there.log_sigmas.device.type == "meta"
    assert sampling.sigmas.device == CPU


def test_other_buffers_stay_buffers() -> None:
    class Marked(comfy.model_sampling.ModelSamplingDiscrete, comfy.model_sampling.EPS):
        pass

    marked = Marked()
    marked.register_buffer("mark", torch.ones(1), persistent=False)
    owned = with_own_tables(marked)
    owned.register_buffer("second", torch.zeros(1))
    assert {name for name, _ in owned.named_buffers()} == {"mark", "second"}
    assert "second" not in dict(marked.named_buffers())
    assert isinstance(owned, Marked) and type(owned).__name__ == "Marked"
    assert type(with_own_tables(owned)) is type(owned)
    torch.testing.assert_close(owned.sigmas, marked.sigmas)
