"""Old nodes by themselves: what they hand on, and what they say that they cannot do."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import folder_paths
import pytest
import torch
from adk_tests.support import image_to_video, tiny, windowed
from animatediff_kit.motion_models.call import OPTION, call_of
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.nodes.evolved import OLD_NODES, attach, extras
from animatediff_kit.nodes.evolved.attach import Applied
from animatediff_kit.nodes.evolved.keyframes import Keyframe, keyframed
from animatediff_kit.nodes.evolved.old_node import node_of
from animatediff_kit.nodes.evolved.windows import FUSES, STATIC
from animatediff_kit.sampling.betas import set_beta_schedule
from animatediff_kit.sampling.model_noise import NoiseSettings
from comfy.patcher_extension import WrappersMP
from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete


def result(node: str, /, **inputs: Any) -> Any:
    return OLD_NODES[node].run(**inputs)[0]


SETTINGS = "ADE_AnimateDiffSamplingSettings"
UNIFORM = "ADE_AnimateDiffUniformContextOptions"


def test_sample_settings() -> None:
    settings = result(SETTINGS, noise_type="FreeNoise", seed_offset=1, adapt_denoise_steps=0)
    assert settings.noise == NoiseSettings("FreeNoise", seed_offset=1)
    fixed = result(SETTINGS, seed_gen="auto1111", seed_override=7, batch_offset=2)
    each = NoiseSettings("random", batch_offset=2, generator="a seed for each frame", seed=7)
    assert fixed.noise == each
    model = tiny.image_model()
    assert result(SETTINGS).put_on(model) is model
    assert result(SETTINGS, seed_override=7).put_on(model) is model, "alone it did nothing"


@pytest.mark.parametrize(
    ("name", "inputs", "sentence"),
    [
        (SETTINGS, {"noise_type": {}}, "{} is no noise_type; choose one from its list."),
        (UNIFORM, {"fuse_method": 3}, "3 is no fuse_method; choose one from its list."),
        ("ADE_AdjustWeightAllMult", {"all_MULT": float("nan")}, "all_MULT is nan; give a number."),
        ("ADE_CustomCFGSimple", {"cfg": float("inf")}, "cfg is inf; give a number."),
    ],
)
def test_values_that_none_can_be_are_refused(name: str, inputs: Any, sentence: str) -> None:
    """Before the graph runs, and where they come through a link."""
    node = node_of(OLD_NODES[name])
    assert node.validate_inputs(**inputs) == sentence
    with pytest.raises(ValueError) as told:
        node.execute(**inputs)
    assert str(told.value) == sentence


@pytest.mark.parametrize(
    ("name", "inputs", "sentence"),
    [
        (SETTINGS, {"noise_layers": ()}, "noise_layers is left out: AnimateDiff Kit has nothing"),
        (SETTINGS, {"seed_gen": "comfy [gpu]"}, "seed_gen comfy [gpu] draws on the CPU, where a "),
        (SETTINGS, {"seed_override": [1, 2]}, "seed_override is a list, which is left out; a "),
        ("ADE_CustomCFGSimple", {"cfg_extras": ()}, "cfg_extras is left out: AnimateDiff Kit has"),
        (
            UNIFORM,
            {"fuse_method": "🔬random"},
            "fuse_method 🔬random is not computed by Anim",
        ),
    ],
)
def test_what_cannot_be_done_is_a_warning(
    name: str, inputs: Any, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        OLD_NODES[name].run(**inputs)
    (text,) = [record.getMessage() for record in caplog.records]
    assert text.startswith(sentence)


def windows(node: str, /, **inputs: Any) -> Any:
    (phase,) = result(node, **inputs)
    assert (phase.start, phase.steps, phase.views) == (0.0, 1, None)
    return phase.windows


def test_windows() -> None:
    legacy = windows(UNIFORM, context_length=16, context_overlap=4, closed_loop=True)
    assert (legacy.schedule, legacy.fuse, legacy.closed_loop) == ("looped_uniform", "flat", True)
    assert legacy.applies_to(17) and not legacy.applies_to(16)
    asked = windows("ADE_LoopedUniformContextOptions", closed_loop=True, use_on_equal_length=True)
    assert asked.applies_to(16) and not asked.applies_to(15)
    static = windows("ADE_StandardStaticContextOptions", fuse_method="overlap-linear")
    assert (static.schedule, static.fuse) == ("standard_static", "overlap-ramp")
    assert windows("ADE_BatchedContextOptions", context_length=8).overlap == 0
    assert list(STATIC)[:3] == ["pyramid", "relative", "flat"] and "relative" not in FUSES
    old = windows("ADE_StandardStaticContextOptions", fuse_method="delayed reverse sawtooth")
    assert old.fuse == "delayed-reverse-sawtooth"


STATIC_WINDOWS = "ADE_StandardStaticContextOptions"


def test_context_options_follow_each_other() -> None:
    """By their starts, and the first says whether there are windows at all."""
    late = result(STATIC_WINDOWS, context_length=8, start_percent=0.6, guarantee_steps=2)
    assert late[0].windows.applies_to(9)
    both = result(STATIC_WINDOWS, context_length=12, prev_context=late)
    assert [(p.start, p.steps, p.windows.length) for p in both] == [(0.0, 1, 12), (0.6, 2, 8)]
    assert [p.windows.applies_to(10) for p in both] == [False, False]
    assert [p.windows.applies_to(13) for p in both] == [True, True]
    short = dict(context_length=4, context_overlap=1)
    three = result(STATIC_WINDOWS, **short, start_percent=0.3, prev_context=both)
    assert [p.windows.length for p in three] == [12, 4, 8]


def test_views_in_windows() -> None:
    inner = result("ADE_StandardStaticViewOptions", view_length=4, view_overlap=1)
    assert (inner.length, inner.overlap, inner.fuse) == (4, 1, "flat")
    (phase,) = result(STATIC_WINDOWS, context_length=12, view_opts=inner)
    assert phase.views is inner and phase.at_once(13) == 4 and phase.at_once(12) == 12
    with pytest.raises(ValueError, match=r"^The overlap of 4 frames leaves windows of 4 no step"):
        result("ADE_StandardStaticViewOptions", view_length=4, view_overlap=4)


def test_motion_loras_stack_and_none_is_none() -> None:
    one = result("ADE_AnimateDiffLoRALoader", name="a.ckpt", strength=0.4)
    two = result("ADE_AnimateDiffLoRALoader", name="b.ckpt", prev_motion_lora=one)
    assert two == (("a.ckpt", 0.4), ("b.ckpt", 1.0))
    for none in ("None", None):
        assert result("ADE_AnimateDiffLoRALoader", name=none, prev_motion_lora=two) == two


def test_a_later_loader_takes_the_place_of_an_earlier_one() -> None:
    """And puts its schedule on the checkpoint's own sampling, not on a consistency model's."""
    base = tiny.image_model()
    first = Applied(tiny.motion_patcher("v2"), scale=1.5)
    settings = result(SETTINGS, noise_type="constant", custom_cfg=5.0)
    context = result("ADE_StandardStaticContextOptions", context_length=4, context_overlap=1)
    once = attach.attach(base, [first], "lcm", context, settings, "everywhere")
    again = attach.attach(once, [Applied(tiny.motion_patcher("v3"))], "sqrt_linear (AnimateDiff)")
    alone = attach.attach(base, [Applied(tiny.motion_patcher("v3"))], "autoselect")
    noise = windowed.noise_of(5)
    frames = [windowed.sample_noise(model, noise) for model in (again, alone, once)]
    assert torch.equal(frames[0], frames[1])
    assert not torch.allclose(frames[0], frames[2], atol=1e-2)


def test_a_motion_model_that_is_never_active() -> None:
    base = tiny.image_model()
    off = Applied(tiny.motion_patcher("v3"), start=1.0, end=0.0)
    frames = [tiny.sample(m) for m in (attach.attach(base, [off], "use existing"), base)]
    assert torch.equal(*frames)


@pytest.mark.parametrize(("end", "same"), [(0.5, True), (0.49, False)])
def test_a_step_that_begins_at_the_end_is_within(end: float, same: bool) -> None:
    """Of 5 steps of the normal scheduler, the third begins at a half; as the old pack's
    timestep_range. Ours ends before it."""
    base, motion = tiny.image_model(), tiny.motion_patcher("v3")
    whole = MotionSettings(0.9, end_percent=0.51)
    old = attach.attach(base, [Applied(motion, effect=0.9, end=end)], "use existing")
    settings = [whole, replace(whole, end_percent=0.5)]
    frames = [tiny.sample(apply_motion_model(base, motion, s), steps=5) for s in settings]
    found = tiny.sample(old, steps=5)
    assert torch.equal(found, frames[0]) == same
    assert torch.equal(found, frames[1]) != same


def test_keyframes_begin_in_the_noise_schedule_of_the_run() -> None:
    """A node behind the loader may have changed it; as the old pack, which asks when it runs."""
    keyframes = (Keyframe(0.5, effect=0.0),)
    motion = tiny.motion_patcher("v3")
    model = attach.attach(
        tiny.image_model(), [Applied(motion, keyframes=keyframes)], "use existing"
    )
    (shifted,) = ModelSamplingDiscrete().patch(model, "eps", False)
    sampling: Any = shifted.get_model_object("model_sampling")
    sampling.set_sigmas(sampling.sigmas * 3)
    sigmas = sampling.sigmas.flip(0)[torch.tensor([0, 300, 600])].tolist()
    seen: list[float] = []
    published: list[Any] = []

    def look(executor: Any, x: Any, t: Any, *args: Any, **more: Any) -> Any:
        options = args[3]
        published.append(options[OPTION].sampling)
        call = call_of(x, t, options)
        strength: Any = keyframed(None, keyframes, "effect")
        seen.append(strength(call, 1, 1))
        return executor(x, t, *args, **more)

    shifted.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "look", look)
    windowed.sample_noise(
        shifted, windowed.noise_of(3), steps=3, sigmas=torch.tensor([*sigmas, 0.0])
    )
    assert seen == [1.0, 1.0, 0.0] and all(one is sampling for one in published)


def test_autoselect_takes_every_file_without_positions_for_an_lcm(tmp_path: Path) -> None:
    """As the old pack's get_best_beta_schedule."""
    base = tiny.image_model()
    expected = set_beta_schedule(base, "LCM").get_model_object("model_sampling").sigmas
    for motion in (tiny.motion_patcher("AnimateLCM"), image_to_video.patcher(tmp_path)):
        found = attach.scheduled(base, "autoselect", None, [Applied(motion)])
        assert torch.equal(found.get_model_object("model_sampling").sigmas, expected)


@pytest.mark.parametrize("sampling", ["v_prediction", "lcm"])
def test_a_noise_schedule_begins_from_the_checkpoints_own_sampling(sampling: str) -> None:
    """As the old pack's to_model_sampling, which asks the model's kind alone."""
    base = tiny.image_model()
    (other,) = ModelSamplingDiscrete().patch(base, sampling, True)
    found = attach.scheduled(other, "sqrt_linear (AnimateDiff)", None, [])
    expected: Any = set_beta_schedule(base, "AnimateDiff").get_model_object("model_sampling")
    made: Any = found.get_model_object("model_sampling")
    assert torch.equal(made.sigmas, expected.sigmas)
    assert type(made).__bases__ == type(expected).__bases__, "both own their tables"
    kept = attach.scheduled(other, "use existing", None, [])
    assert kept.get_model_object("model_sampling") is other.get_model_object("model_sampling")


def test_free_init_on_a_model() -> None:
    iterations = result("ADE_IterationOptsFreeInit", iterations=2, filter="gaussian")
    base = tiny.image_model()
    model = result(SETTINGS, iteration_opts=iterations).put_on(base)
    steps: list[tuple[int, int]] = []
    tiny.sample(model, callback=lambda step, denoised, x, total: steps.append((step, total)))
    assert steps == [(0, 4), (1, 4), (2, 4), (3, 4)]


def test_a_checkpoint_by_the_name_of_another_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sd15").mkdir()
    (tmp_path / "sd15" / "real.safetensors").write_bytes(b"")
    place = ([str(tmp_path)], {".safetensors"})
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "checkpoints", place)
    monkeypatch.delitem(folder_paths.filename_list_cache, "checkpoints", raising=False)
    assert extras.on_this_disk("sd15\\real.safetensors") == "sd15/real.safetensors"
    assert extras.is_checkpoint("sd15\\real.safetensors") is True
    assert extras.is_checkpoint("sd15/other.safetensors") == (
        "'sd15/other.safetensors' is not there; your folders for checkpoints hold 1 files. Choose "
        "another, or put it there."
    )
