"""The loaders of every generation become the nodes of this pack that do the same."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from adk_tests.conversion.both import behind, chain, converted, of_kind
from adk_tests.support.old_graphs import STATIC, Link, Scene
from animatediff_kit.conversion.convert import convert
from animatediff_kit.conversion.names import takes_an_image

PARTS = ["ADK_ContextWindows", "ADK_ApplyMotionModel", "CheckpointLoaderSimple"]


def test_a_legacy_loader_becomes_three_nodes() -> None:
    scene = Scene()
    scene.sampled(scene.legacy(context_options=scene.uniform(context_stride=2)))
    prompt, report = converted(scene)
    assert chain(prompt) == PARTS
    assert report.kept == []
    apply = of_kind(prompt, "ADK_ApplyMotionModel")
    assert apply["motion_scale"] == 1.1 and apply["strength"] == 1.0
    assert apply["beta_schedule"] == "AnimateDiff" and apply["norms"] == "automatic"
    assert behind(prompt, apply, "motion_model") == (
        "ADK_LoadMotionModel",
        {"motion_model": "mm_sd_v15_v2.ckpt", "family": "automatic"},
    )
    windows = of_kind(prompt, "ADK_ContextWindows")
    del windows["model"]
    assert windows == {
        "length": 16,
        "overlap": 4,
        "stride": 2,
        "schedule": "looped_uniform",
        "fuse": "flat",
        "closed_loop": False,
        "on_equal_length": False,
        "view_length": 0,
        "view_overlap": 4,
        "start_percent": 0.0,
    }


def test_gen1_with_multivals_noise_and_guidance() -> None:
    scene = Scene()
    custom = scene.out(scene.add("ADE_CustomCFGSimple", "CUSTOM_CFG", dict(cfg=2.0)))
    model = scene.gen1(
        beta="lcm avg(sqrt_linear,linear)",
        scale_multival=scene.multival(1.14),
        effect_multival=scene.multival(1.3),
        context_options=scene.static(),
        sample_settings=scene.settings(custom_cfg=custom),
    )
    scene.sampled(model)
    prompt, report = converted(scene)
    assert chain(prompt) == ["ADK_ModelGuidance", "ADK_ModelNoise", *PARTS]
    assert report.kept == []
    apply = of_kind(prompt, "ADK_ApplyMotionModel")
    assert (apply["motion_scale"], apply["strength"]) == (1.14, 1.3)
    assert apply["beta_schedule"] == "LCM average"
    noise = of_kind(prompt, "ADK_ModelNoise")
    assert (noise["noise"], noise["length"], noise["seed_offset"]) == ("FreeNoise", 0, 1)
    assert of_kind(prompt, "ADK_ModelGuidance")["cfg"] == 2.0


def test_gen2_with_two_motion_models_runs_the_older_first() -> None:
    """The newer acts behind it, and sets the noise schedule."""
    scene = Scene()
    first = scene.applied(scene.loaded("one.ckpt"), 0.0, 0.5)
    second = scene.applied(scene.loaded("two.ckpt"), 0.5, 1.0, prev_m_models=first)
    scene.sampled(scene.evolved(second, "lcm", context_options=scene.static()))
    prompt, report = converted(scene)
    told = "a step that begins exactly at end_percent is now outside of its part"
    assert [told in note for note in report.notes] == [True], "one of them ends before the end"
    windows = of_kind(prompt, "ADK_ContextWindows")
    _, late = behind(prompt, windows, "model")
    _, early = behind(prompt, late, "model")
    names = [behind(prompt, one, "motion_model")[1]["motion_model"] for one in (early, late)]
    assert names == ["one.ckpt", "two.ckpt"]
    assert [one["start_percent"] for one in (early, late)] == [0.0, 0.5]
    assert [one["beta_schedule"] for one in (early, late)] == ["checkpoint", "LCM"]


def test_one_loaded_model_serves_two_apply_nodes() -> None:
    scene = Scene()
    motion = scene.loaded()
    for start in (0.0, 0.25):
        scene.sampled(scene.evolved(scene.applied(motion, start)))
    prompt, report = converted(scene)
    kinds = [node["class_type"] for node in prompt.values()]
    assert kinds.count("ADK_LoadMotionModel") == kinds.count("ADK_ApplyMotionModel") == 2
    assert report.kept == []


def test_motion_loras_stand_in_their_row_and_a_bypassed_one_stays_bypassed() -> None:
    scene = Scene()
    far = scene.lora("far.ckpt", 0.3)
    off = scene.lora("off.ckpt", 0.5, far, mode=4)
    scene.sampled(scene.gen1(motion_lora=scene.lora("near.ckpt", 0.8, off)))
    new, report = convert(scene.page())
    loras = {
        node["widgets_values"][0]: node
        for node in new["nodes"]
        if node["type"] == "ADK_LoadMotionLoRA"
    }
    assert {name: node["mode"] for name, node in loras.items()} == {
        "far.ckpt": 0,
        "off.ckpt": 4,
        "near.ckpt": 0,
    }
    before = {link[3]: link[1] for link in new["links"] if link[5] == "ADK_MOTION_MODEL"}
    assert before[loras["near.ckpt"]["id"]] == loras["off.ckpt"]["id"]
    assert before[loras["off.ckpt"]["id"]] == loras["far.ckpt"]["id"]
    assert report.kept == []


def test_a_value_a_frame_and_a_mask_become_values_over_time() -> None:
    scene = Scene()
    numbers = scene.out(scene.add("Number", "FLOAT"))
    mask = scene.out(scene.add("Number", "MASK"))
    scaled = dict(min_float_val=0.8, max_float_val=1.2, scaling="absolute")
    scaled_mask = scene.out(scene.add("ADE_MultivalScaledMask", "MULTIVAL", scaled, mask=mask))
    scene.sampled(
        scene.gen1(
            scale_multival=scene.multival(1.0, float_val=numbers), effect_multival=scaled_mask
        )
    )
    prompt, _ = converted(scene)
    apply = of_kind(prompt, "ADK_ApplyMotionModel")
    _, scale = behind(prompt, apply, "scale_over_time")
    assert scale["floats"] == [numbers[0], 0] and scale["value"] == 1.0
    _, strength = behind(prompt, apply, "strength_over_time")
    assert (strength["value"], strength["outside"]) == (1.2, 0.8)
    assert strength["mask"] == [mask[0], 0]


@pytest.mark.parametrize(
    ("name", "norms"),
    [
        ("mm_sd_v15_v2.ckpt", "everywhere"),
        ("AnimateLCM_sd15_t2v.ckpt", "everywhere"),
        ("v3_sd15_mm.ckpt", "automatic"),
    ],
)
def test_v2_models_that_were_not_applied_properly_keep_that(name: str, norms: str) -> None:
    scene = Scene()
    scene.sampled(scene.legacy(model_name=name, apply_v2_models_properly=False))
    prompt, _ = converted(scene)
    assert of_kind(prompt, "ADK_ApplyMotionModel")["norms"] == norms


def test_the_sdxl_beta_keeps_the_old_pack_s_norms() -> None:
    scene = Scene()
    scene.sampled(scene.gen1("mm_sdxl_v10_beta.ckpt"))
    prompt, _ = converted(scene)
    assert of_kind(prompt, "ADK_ApplyMotionModel")["norms"] == "everywhere"


@pytest.mark.parametrize(
    ("name", "schedule"), [("AnimateLCM_sd15_t2v.ckpt", "LCM"), ("v3_sd15_mm.ckpt", "automatic")]
)
def test_autoselect_is_what_the_old_pack_chose(name: str, schedule: str) -> None:
    scene = Scene()
    scene.sampled(scene.gen1(name))
    prompt, _ = converted(scene)
    assert of_kind(prompt, "ADK_ApplyMotionModel")["beta_schedule"] == schedule


def test_a_schedule_in_the_sample_settings_stands_above_the_loader_s() -> None:
    scene = Scene()
    values = dict(beta_schedule="lcm >> sqrt_linear")
    sigmas = scene.out(scene.add("ADE_SigmaSchedule", "SIGMA_SCHEDULE", values))
    settings = scene.settings(sigma_schedule=sigmas)
    scene.sampled(scene.gen1(beta="sqrt_linear (AnimateDiff)", sample_settings=settings))
    prompt, report = converted(scene)
    assert of_kind(prompt, "ADK_ApplyMotionModel")["beta_schedule"] == "LCM sqrt_linear"
    assert report.kept == []


def test_evolved_sampling_without_a_motion_model_sets_windows_and_schedule() -> None:
    scene = Scene()
    scene.sampled(scene.evolved(None, "lcm[100_ots]", context_options=scene.static()))
    prompt, _ = converted(scene)
    assert chain(prompt) == ["ADK_ContextWindows", "ADK_NoiseSchedule", "CheckpointLoaderSimple"]
    assert of_kind(prompt, "ADK_NoiseSchedule")["beta_schedule"] == "LCM 100 steps"


def test_the_first_loader_hands_its_latents_on() -> None:
    scene = Scene()
    values = dict(model_name="mm_sd_v14.ckpt", unlimited_area_hack=False, beta_schedule="lcm")
    links = dict(model=scene.model, latents=scene.latent)
    loader = scene.add("AnimateDiffLoaderV1", "MODEL LATENT", values, **links)
    latent, scene.latent = scene.latent, scene.out(loader, 1)
    scene.sampled(scene.out(loader))
    prompt, _ = converted(scene)
    assert of_kind(prompt, "KSampler")["latent_image"] == [latent[0], 0]
    assert of_kind(prompt, "ADK_ApplyMotionModel")["beta_schedule"] == "LCM"


def views(scene: Scene, fuse: str = "pyramid", length: int = 4) -> Link:
    values = dict(view_length=length, view_overlap=1, fuse_method=fuse)
    return scene.out(scene.add("ADE_StandardStaticViewOptions", "VIEW_OPTS", values))


def in_turn(scene: Scene, *options: dict[str, object]) -> Link:
    """Context options one behind the other."""
    link: Link | None = None
    for given in options:
        kind, values = "ADE_StandardStaticContextOptions", {**STATIC, **given}
        link = scene.out(scene.add(kind, "CONTEXT_OPTIONS", values, prev_context=link))
    assert link is not None
    return link


def test_views_in_windows() -> None:
    scene = Scene()
    kind, links = "ADE_StandardStaticContextOptions", {"view_opts": views(scene)}
    outer = scene.out(scene.add(kind, "CONTEXT_OPTIONS", STATIC, **links))
    scene.sampled(scene.legacy(context_options=outer))
    prompt, report = converted(scene)
    windows = of_kind(prompt, "ADK_ContextWindows")
    assert report.kept == []
    assert (windows["length"], windows["view_length"], windows["view_overlap"]) == (8, 4, 1)


def test_windows_that_follow_each_other() -> None:
    """In the order in which they hold; the first holds from the start."""
    scene = Scene()
    late, first = dict(start_percent=0.6, context_length=6), dict(start_percent=0.1)
    scene.sampled(scene.legacy(context_options=in_turn(scene, late, first)))
    prompt, report = converted(scene)
    assert chain(prompt) == ["ADK_ContextWindows", *PARTS]
    found = [n["inputs"] for n in prompt.values() if n["class_type"] == "ADK_ContextWindows"]
    assert sorted((n.get("start_percent", 0.0), n["length"]) for n in found) == [(0.0, 8), (0.6, 6)]
    (later,) = (n for n in found if n.get("start_percent"))
    assert behind(prompt, later, "model")[0] == "ADK_ContextWindows"
    assert any("decided whether those that follow" in line for line in report.notes)


def with_keyframes(scene: Scene) -> Link:
    frame = dict(start_percent=0.0, inherit_missing=True, guarantee_steps=1)
    frames = scene.out(scene.add("ADE_AnimateDiffKeyframe", "AD_KEYFRAMES", frame))
    return scene.gen1(ad_keyframes=frames)


def with_an_image(scene: Scene) -> Link:
    image = scene.out(scene.add("Number", "IMAGE_INJECT"))
    return scene.gen1(sample_settings=scene.settings(image_inject=image))


def with_noise_of_the_gpu(scene: Scene) -> Link:
    settings = scene.settings(noise_type="default", seed_gen="comfy [gpu]")
    return scene.gen1(sample_settings=settings)


def guidance(scene: Scene, cfg: float) -> Link:
    return scene.out(scene.add("ADE_CustomCFGSimple", "CUSTOM_CFG", dict(cfg=cfg)))


STAYS: dict[str, Callable[[Scene], Link]] = {
    "joins views by 'flat', ADE_Standard.* windows by 'pyramid', which ours joins": lambda scene: (
        scene.legacy(context_options=scene.static(view_opts=views(scene, "flat")))
    ),
    "ViewOptions .* has windows of 1 frames that overlap by 1": lambda scene: scene.legacy(
        context_options=scene.static(view_opts=views(scene, length=1))
    ),
    "the view_opts of .* come from Number": lambda scene: scene.legacy(
        context_options=scene.static(view_opts=scene.out(scene.add("Number", "VIEW_OPTS")))
    ),
    "holds a number of steps, which ours cannot": lambda scene: scene.legacy(
        context_options=in_turn(scene, dict(guarantee_steps=3), dict(start_percent=0.5))
    ),
    "two of its context options begin at 0.5 of sampling": lambda scene: scene.legacy(
        context_options=in_turn(scene, dict(start_percent=0.5), dict(start_percent=0.5))
    ),
    "ad_keyframes comes from ADE_AnimateDiffKeyframe": with_keyframes,
    "have image_inject from Number": with_an_image,
    "draw noise by 'default' and 'comfy .gpu.'": with_noise_of_the_gpu,
    "does not tell whether it is of v2's layout": lambda scene: scene.legacy(
        model_name="mine.ckpt", apply_v2_models_properly=False
    ),
    "joins windows by 'gauss-sigma'": lambda scene: scene.legacy(
        context_options=scene.static(fuse_method="gauss-sigma")
    ),
    "which cover no video": lambda scene: scene.legacy(
        context_options=scene.static(context_overlap=8)
    ),
    "motion_scale of ADE_AnimateDiffLoaderWithContext .* is 100": lambda scene: scene.legacy(
        motion_scale=100
    ),
    "ADE_UseEvolvedSampling: ADE_Apply.* put Use Evolved Sampling behind it": lambda scene: (
        scene.evolved(scene.applied(scene.loaded(), model=scene.model))
    ),
    "acts from 0.5 to 0.5 of sampling: never": lambda scene: scene.evolved(
        scene.applied(scene.loaded(), 0.5, 0.5)
    ),
    "cfg of ADK_ModelGuidance would be 120.0, and goes from 0.0 to 100.0": lambda scene: scene.gen1(
        sample_settings=scene.settings(custom_cfg=guidance(scene, 120.0))
    ),
    "batch_offset of ADK_ModelNoise would be 5000, and goes from 0 to 4096": lambda scene: (
        scene.gen1(sample_settings=scene.settings(batch_offset=5000))
    ),
    "length of ADK_ContextWindows would be 2000, and goes from 1 to 1024": lambda scene: (
        scene.legacy(context_options=scene.static(context_length=2000))
    ),
    "value of ADK_Strength would be 200.0, and goes from -100.0 to 100.0": lambda scene: scene.gen1(
        scale_multival=scene.multival(200.0, mask_optional=scene.out(scene.add("X", "MASK")))
    ),
    "animatelcm_i2v.ckpt begins from a picture, by its name, which": lambda scene: scene.legacy(
        model_name="animatelcm_i2v.ckpt"
    ),
    "no model is linked to it": lambda scene: scene.gen1(model=None),
}
"""What the report says -> a loader that it is said of."""


def test_a_loader_behind_another_takes_off_what_that_has_put_on() -> None:
    """Nodes of this pack would add up."""
    scene = Scene()
    first = scene.gen1()
    between = scene.out(scene.add("FreeU_V2", "MODEL", model=first))
    scene.sampled(scene.gen1(model=between))
    prompt, report = convert(scene.prompt)
    (line,) = report.kept
    assert f"ADE_AnimateDiffLoaderGen1 ({first[0]}) has animated its model" in line
    assert prompt[first[0]]["class_type"] == "ADK_ApplyMotionModel"


@pytest.mark.parametrize("reason", STAYS)
def test_what_has_no_equal_stays_whole_with_its_reason(reason: str) -> None:
    scene = Scene()
    scene.sampled(STAYS[reason](scene))
    for content in (scene.page(), scene.prompt):
        new, report = convert(content)
        assert len([line for line in report.kept if re.search(reason, line)]) == 1
        old = {n["type"] for n in scene.nodes.values()} - {"ADE_EmptyLatentImageLarge"}
        nodes = new.get("nodes") or new.values()
        assert old <= {node.get("type") or node["class_type"] for node in nodes}
        assert not [line for line in report.converted if "Loader" in line]


def test_a_stride_above_ours_does_the_same() -> None:
    """Each level doubles the distance between frames, so that no video has 16 of them."""
    scene = Scene()
    scene.sampled(scene.legacy(context_options=scene.uniform(context_stride=32)))
    prompt, report = converted(scene)
    assert of_kind(prompt, "ADK_ContextWindows")["stride"] == 16
    assert any("context_stride 32 is now 16, and does the same" in line for line in report.notes)


@pytest.mark.parametrize(
    "name", ["models/PIA.ckpt", "a_pia-v2.ckpt", "FancyVideo.ckpt", "x_I2V.pt"]
)
def test_names_of_models_that_begin_from_a_picture(name: str) -> None:
    assert takes_an_image(name) and not takes_an_image("utopia.ckpt")


def test_a_sampling_before_a_noise_schedule_is_told_of() -> None:
    scene = Scene()
    before = scene.out(scene.add("ModelSamplingDiscrete", "MODEL", model=scene.model))
    scene.sampled(scene.legacy(model=before))
    _, report = convert(scene.page())
    assert any("sets before it now holds; the old pack took it off" in n for n in report.notes)
    scene = Scene()
    before = scene.out(scene.add("ModelSamplingDiscrete", "MODEL", model=scene.model))
    scene.sampled(scene.legacy(model=before, beta_schedule="use existing"))
    _, report = convert(scene.page())
    assert not any("now holds" in note for note in report.notes)


def bypassed(scene: Scene, link: Link) -> Link:
    scene.nodes[link[0]]["mode"] = 4
    return link


def test_the_newest_motion_model_that_runs_sets_the_noise_schedule() -> None:
    """In a run a bypassed one hands on what came before it."""
    scene = Scene()
    first = scene.applied(scene.loaded("one.ckpt"))
    second = bypassed(scene, scene.applied(scene.loaded("two.ckpt"), prev_m_models=first))
    scene.sampled(scene.evolved(second, "lcm"))
    new, _ = convert(scene.page())
    applies = [node for node in new["nodes"] if node["type"] == "ADK_ApplyMotionModel"]
    found = {node["mode"]: node["widgets_values"][2] for node in applies}
    assert found == {0: "LCM", 4: "checkpoint"}
    scene = Scene()
    scene.sampled(scene.evolved(bypassed(scene, scene.applied(scene.loaded())), "lcm"))
    new, _ = convert(scene.page())
    (schedule,) = (node for node in new["nodes"] if node["type"] == "ADK_NoiseSchedule")
    assert schedule["widgets_values"] == ["LCM"] and schedule["mode"] == 0
