"""What is on a model that training leaves out is named in the log, and nothing else is."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
from adk_tests.support import tiny
from adk_tests.training import small
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.motion_models.position_tables import PositionSettings, set_positions
from animatediff_kit.training.models import stages
from animatediff_kit.training.models.ignored_patches import ignored, origin
from comfy.hooks import WeightHook
from comfy.model_patcher import PatcherInjection
from comfy.patcher_extension import WrappersMP
from comfy_extras import nodes_freelunch, nodes_model_advanced

from .test_private_copy import with_loras

METHOD = "execute" if hasattr(nodes_freelunch.FreeU_V2, "execute") else "patch"
FREE_U = f"FreeU_V2.{METHOD} (comfy_extras.nodes_freelunch)"


def with_free_u(model: Any) -> Any:
    return nodes_freelunch.FreeU_V2().patch(model, 1.3, 1.4, 0.9, 0.2)[0]


class Attention:
    """An attention patch as an object, as IPAdapter's are."""

    def __call__(self, *args: Any) -> None: ...


def wrapper(executor: Any, *args: Any) -> Any:
    return executor(*args)


HERE = f"({__name__})"


def test_loras_and_what_sampling_alone_uses_are_not_named() -> None:
    model = with_loras(small.image_model())
    (model,) = nodes_model_advanced.ModelSamplingDiscrete().patch(model, "eps", False)
    (model,) = nodes_model_advanced.RescaleCFG().patch(model, 0.7)
    assert ignored(model) == []


def test_a_function_on_many_layers_is_named_once() -> None:
    model = with_free_u(small.image_model())
    attention = Attention()
    for layer in range(3):
        model.set_model_attn2_replace(attention, "input", layer)
    model.set_model_attn1_patch(functools.partial(wrapper, None))
    assert ignored(model) == [FREE_U, f"wrapper {HERE}", f"Attention {HERE}"]


def put_override(model: Any) -> None:
    model.model_options["transformer_options"]["optimized_attention_override"] = wrapper


PUT: dict[str, Any] = {
    "override": put_override,
    "function wrapper": lambda model: model.set_model_unet_function_wrapper(wrapper),
    "wrapper": lambda model: model.add_wrapper(WrappersMP.DIFFUSION_MODEL, wrapper),
    "injection": lambda m: m.set_injections("key", [PatcherInjection(wrapper, Attention())]),
    "weight wrapper": lambda m: m.add_weight_wrapper("diffusion_model.out.2.weight", wrapper),
    "layer": lambda m: m.add_object_patch("diffusion_model.out.1", wrapper),
}


@pytest.mark.parametrize("put", PUT.values(), ids=PUT.keys())
def test_every_place_of_a_model_is_looked_at(put: Any) -> None:
    model = small.image_model()
    put(model)
    assert ignored(model) == [f"wrapper {HERE}"]


def test_hooks_are_named() -> None:
    model = small.image_model()
    key = "diffusion_model.out.2.bias"
    hook = WeightHook()
    model.add_hook_patches(hook, {key: (torch.ones(4),)})
    assert ignored(model) == ["hooks that change weights during sampling"]


def test_a_motion_model_on_the_image_model_is_named() -> None:
    animated = apply_motion_model(tiny.image_model(), tiny.motion_patcher("v3"))
    names = ignored(animated)
    assert any(name.startswith("Injection (") and "inject" in name for name in names)


def test_what_is_over_time_on_a_motion_model_is_named() -> None:
    motion = tiny.motion_patcher("v3")
    lora = tiny.motion_lora("v3", 5)
    merged = apply_motion_lora(motion, lora, 0.5, "zoom")
    assert ignored(merged) == []
    motion = set_positions(merged, PositionSettings(offset=1))
    motion = apply_motion_lora(motion, lora, lambda call, height, width: 1.0, "pan")
    assert ignored(motion) == ["pan with a strength over time", "stretched positions"]


def test_a_packs_folder_is_not_in_its_name() -> None:
    def attend() -> None: ...

    for folder in ("/home/me/ComfyUI/custom_nodes/", "C:\\ComfyUI\\custom_nodes\\"):
        attend.__module__ = folder + "ComfyUI_IPAdapter_plus.patches"
        assert origin(attend).endswith(" (ComfyUI_IPAdapter_plus.patches)")


STAGES = (stages.DOMAIN_ADAPTER, stages.MOTION_MODULE, stages.MOTION_LORA)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_tells_it_in_one_line(stage: str, caplog: pytest.LogCaptureFixture) -> None:
    model, motion = with_free_u(small.image_model()), small.motion_patcher()
    with torch.inference_mode():
        if stage == stages.DOMAIN_ADAPTER:
            stages.domain_adapter(model, 2, 0, small.CPU)
        elif stage == stages.MOTION_MODULE:
            stages.motion_module(model, motion, "v3", 0, small.CPU)
        else:
            stages.motion_lora(model, motion, 2, 0, small.CPU)
    (line,) = caplog.messages
    assert line == (
        "AnimateDiff Kit: training leaves out what nodes have put on the model beside LoRAs: "
        f"{FREE_U}. The weights are trained for the model without."
    )
