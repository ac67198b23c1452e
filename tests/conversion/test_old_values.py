"""Widget arrays of every length that was ever saved say what they said then."""

from __future__ import annotations

from typing import Any

import pytest
from animatediff_kit.conversion.old_nodes import OLD_NODES
from animatediff_kit.conversion.old_values import named, of_prompt
from animatediff_kit.conversion.other_nodes import PROMPT_NODES

LOADER = "ADE_AnimateDiffLoaderWithContext"
UNIFORM = "ADE_AnimateDiffUniformContextOptions"
SETTINGS = "ADE_AnimateDiffSamplingSettings"

SAVED: list[tuple[str, Any, dict[str, Any]]] = [
    # id, what a file holds, what of it is asked
    (LOADER, ["a", "lcm"], {"motion_scale": 1.0, "apply_v2_models_properly": True}),
    (LOADER, ["a", "lcm", 1.35, False], {"motion_scale": 1.35, "apply_v2_models_properly": False}),
    (LOADER, ["a", "lcm", 1.35, False, ""], {"model_name": "a", "motion_scale": 1.35}),
    (LOADER, {"model_name": "a", "motion_scale": 2}, {"model_name": "a", "motion_scale": 2}),
    (UNIFORM, [16, 2, 4, "uniform", True], {"fuse_method": "flat", "closed_loop": True}),
    (UNIFORM, [16, 2, 4, "uniform", True, "pyramid", False, 0, 1], {"fuse_method": "pyramid"}),
    (
        UNIFORM,
        [16, 2, 4, "uniform", True, "pyramid", True, 0, 1, ""],
        {"use_on_equal_length": True},
    ),
    (SETTINGS, [1, "FreeNoise", "comfy", 2, True], {"adapt_denoise_steps": True}),
    (SETTINGS, [1, "FreeNoise", "comfy", 2, 99, True], {"adapt_denoise_steps": True}),
    (SETTINGS, [1, "FreeNoise", "comfy", 2, 99, True, ""], {"seed_offset": 2, "batch_offset": 1}),
    (SETTINGS, [1, "FreeNoise", "comfy", 2, True, ""], {"adapt_denoise_steps": True}),
    ("CheckpointLoaderSimpleWithNoiseSelect", ["a", "lcm"], {"use_custom_scale_factor": False}),
    ("CheckpointLoaderSimpleWithNoiseSelect", ["a", "lcm", True, 1], {"scale_factor": 1}),
    ("ADE_AnimateDiffLoRALoader", [None, 1], {"name": None, "strength": 1}),
    ("ADE_AnimateDiffLoRALoader", ["a", 0.8, ""], {"name": "a", "strength": 0.8}),
    ("ADE_ApplyAnimateDiffModel", [0.1, 0.9, ""], {"start_percent": 0.1, "end_percent": 0.9}),
    ("ADE_ApplyAnimateDiffModelSimple", [""], {}),
    ("ADE_AnimateDiffSettings", [""], {}),
    ("ADE_MultivalDynamic", [1.1, ""], {"float_val": 1.1}),
    ("ADE_CustomCFGSimple", [2, ""], {"cfg": 2}),
    ("ADE_AdjustPESweetspotStretch", [16, 18, False, ""], {"new_sweetspot": 18}),
    ("ADE_AdjustWeightAllMult", [1.01, False, ""], {"all_MULT": 1.01}),
    (
        "ADE_AnimateDiffCombine",
        [10, 0, "a", "image/gif", False, True, "/view?filename=a.gif"],
        {"filename_prefix": "a", "save_image": True},
    ),
    ("ADE_AnimateDiffCombine", [10, 0, "", "image/gif", True, False], {"filename_prefix": ""}),
    ("ADE_AnimateDiffModelSettingsSimple", [3, 100, 90], {"max_motion_scale": 90}),
    ("ADE_LoopedUniformContextOptions", [16, 1, 4, True], {"fuse_method": "pyramid"}),
]


@pytest.mark.parametrize(("kind", "saved", "asked"), SAVED)
def test_a_saved_array(kind: str, saved: Any, asked: dict[str, Any]) -> None:
    values, surplus = named(OLD_NODES[kind], saved)
    assert {name: values[name] for name in asked} == asked
    assert set(values) == set(OLD_NODES[kind].widgets) and surplus == 0


@pytest.mark.parametrize("kind", OLD_NODES)
def test_every_array_as_long_as_today_is_read_in_order(kind: str) -> None:
    old = OLD_NODES[kind]
    saved = [f"value {at}" for at in range(len(old.widgets))]
    assert named(old, saved) == (dict(zip(old.widgets, saved, strict=True)), 0)
    assert named(old, [*saved, ""]) == named(old, saved)
    assert named(old, [*saved, *["more"] * 3])[1] > 0


FIZZ = {
    8: ["t", 9, "pre", "app", 1, 2, 3, 4],
    9: ["t", 9, False, "pre", "app", 1, 2, 3, 4],
    10: ["t", 9, False, "pre", "app", 0, 1, 2, 3, 4],
    11: ["t", 9, False, "pre", "app", 0, 0, 1, 2, 3, 4],
}


@pytest.mark.parametrize("length", FIZZ)
def test_a_schedule_of_fizznodes_of_any_version(length: int) -> None:
    values, surplus = named(PROMPT_NODES["BatchPromptSchedule"], FIZZ[length])
    wanted = {"text": "t", "max_frames": 9, "pre_text": "pre", "app_text": "app"}
    wanted |= {"pw_a": 1, "pw_b": 2, "pw_c": 3, "pw_d": 4}
    assert {name: values[name] for name in wanted} == wanted and surplus == 0


def test_what_a_prompt_leaves_out_is_the_function_s_default_and_not_the_widget_s() -> None:
    left_out = of_prompt(OLD_NODES[LOADER], {"model_name": "a", "beta_schedule": "lcm"})
    assert left_out["apply_v2_models_properly"] is False and left_out["motion_scale"] == 1.0
    looped = of_prompt(OLD_NODES["ADE_LoopedUniformContextOptions"], {"context_length": 8})
    assert looped["fuse_method"] == "flat" and looped["context_length"] == 8


def test_an_early_name_of_an_input() -> None:
    values = of_prompt(OLD_NODES["ADE_AnimateDiffLoRALoader"], {"lora_name": "a"})
    assert values["name"] == "a"
