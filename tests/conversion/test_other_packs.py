"""On request: Video Combine as core's nodes, FizzNodes' schedules as Prompt Travel."""

from __future__ import annotations

from typing import Any

import pytest
from adk_tests.conversion.both import behind, converted, of_kind
from adk_tests.support.old_graphs import Link, Scene
from animatediff_kit.conversion.convert import convert
from animatediff_kit.conversion.rules import Choices

VIDEOS, PROMPTS = Choices(videos=True), Choices(prompts=True)
VHS = dict(
    frame_rate=12,
    loop_count=0,
    filename_prefix="clips/one",
    format="video/h264-mp4",
    pingpong=False,
    save_output=True,
)
COMBINE = dict(
    frame_rate=10,
    loop_count=0,
    filename_prefix="old",
    format="image/gif",
    pingpong=False,
    save_image=True,
)


def scene_of(kind: str, values: dict[str, Any], **links: Link | None) -> tuple[Scene, str]:
    """A scene whose pictures a node combines into a video."""
    scene = Scene()
    images = scene.out(scene.add("Number", "IMAGE"))
    saved = {**values, "videopreview": {"hidden": False}} if kind.startswith("VHS") else None
    key = scene.add(kind, "VHS_FILENAMES", values, saved=saved, images=images, **links)
    return scene, key


def test_video_combine_becomes_create_video_and_save_video() -> None:
    scene, key = scene_of("VHS_VideoCombine", VHS)
    prompt, report = converted(scene, videos=True)
    saved = prompt[key]
    assert saved["class_type"] == "SaveVideo"
    assert saved["inputs"]["filename_prefix"] == "clips/one"
    kind, created = behind(prompt, saved["inputs"], "video")
    assert (kind, created["fps"]) == ("CreateVideo", 12)
    assert report.notes == []
    _, without = convert(scene.page())
    assert without.others["VHS_VideoCombine"] == 1


def test_its_sound_and_a_linked_frame_rate_come_along() -> None:
    scene = Scene()
    images = scene.out(scene.add("Number", "IMAGE"))
    sound = scene.out(scene.add("Sound", "AUDIO"))
    rate = scene.out(scene.add("Number", "FLOAT"))
    scene.add("VHS_VideoCombine", "", VHS, saved=VHS, images=images, audio=sound, frame_rate=rate)
    prompt, _ = converted(scene, videos=True)
    created = of_kind(prompt, "CreateVideo")
    assert created["audio"] == [sound[0], 0] and created["fps"] == [rate[0], 0]


def test_pictures_become_an_animated_webp() -> None:
    scene, key = scene_of("ADE_AnimateDiffCombine", COMBINE)
    prompt, report = converted(scene, videos=True)
    assert prompt[key]["class_type"] == "SaveAnimatedWEBP"
    assert prompt[key]["inputs"]["fps"] == 10
    assert report.notes == [f"{key} ADE_AnimateDiffCombine: image/gif is now an animated WebP."]


@pytest.mark.parametrize(
    ("kind", "values", "saver"),
    [
        ("VHS_VideoCombine", VHS, "CreateVideo"),
        ("ADE_AnimateDiffCombine", COMBINE, "SaveAnimatedWEBP"),
    ],
)
def test_a_video_that_goes_back_does_so(kind: str, values: dict[str, Any], saver: str) -> None:
    scene, _ = scene_of(kind, {**values, "pingpong": True})
    prompt, report = converted(scene, videos=True)
    between, inputs = behind(prompt, of_kind(prompt, saver), "images")
    source, _ = behind(prompt, inputs, "images")
    assert (between, source) == ("ADK_PlayForthAndBack", "Number")
    assert "pingpong" not in report.text()


def test_a_pingpong_that_comes_through_a_link_is_told() -> None:
    scene = Scene()
    images = scene.out(scene.add("Number", "IMAGE"))
    both = scene.out(scene.add("Number", "BOOLEAN"))
    scene.add("VHS_VideoCombine", "", VHS, saved=VHS, images=images, pingpong=both)
    _, report = converted(scene, videos=True)
    assert "pingpong comes through a link and is left out" in report.text()


LOST: dict[str, dict[str, Any]] = {
    "loop_count 3 is left out": dict(loop_count=3),
    "video/ProRes is now H.264 in MP4": dict(format="video/ProRes"),
    "temporary folder": dict(save_output=False),
}


@pytest.mark.parametrize("lost", LOST)
def test_what_is_lost_is_told(lost: str) -> None:
    scene, _ = scene_of("VHS_VideoCombine", {**VHS, **LOST[lost]})
    _, report = converted(scene, videos=True)
    (note,) = report.notes
    assert lost in note


def test_a_combine_whose_file_another_node_takes_stays() -> None:
    scene, key = scene_of("VHS_VideoCombine", VHS)
    scene.add("FreeU_V2", "", files=scene.out(key))
    _, report = convert(scene.prompt, VIDEOS)
    assert "takes its output" in report.text()


def schedule_scene(**given: Any) -> tuple[Scene, str]:
    values: dict[str, Any] = dict(
        text='"0": "a cat", "8": "a dog"',
        max_frames=16,
        print_output=False,
        pre_text="best",
        app_text="0",
        start_frame=0,
        pw_a=0.5,
        pw_b=0.0,
        pw_c=0.0,
        pw_d=0.2,
    )
    scene = Scene()
    values |= given
    key = scene.add("BatchPromptSchedule", "POS NEG", values, clip=scene.clip)
    for slot in scene.nodes[key]["outputs"]:
        slot["type"] = "CONDITIONING"
    scene.positive, scene.negative = scene.out(key), scene.out(key, 1)
    scene.sampled(scene.gen1())
    return scene, key


def test_a_schedule_of_prompts_becomes_prompt_travel_that_joins_as_fizznodes() -> None:
    scene, key = schedule_scene()
    prompt, report = converted(scene, prompts=True)
    assert prompt[key] == {
        "class_type": "ADK_PromptTravel",
        "inputs": {
            "clip": [scene.clip[0], 1],
            "prompts": '"0": "a cat", "8": "a dog"',
            "frames": 16,
            "before": "best",
            "after": "",
            "interpolation": "linear",
            "pw_a": 0.5,
            "pw_b": 0.0,
            "pw_c": 0.0,
            "pw_d": 0.2,
            "join": "spaces",
        },
    }
    sampler = of_kind(prompt, "KSampler")
    assert (sampler["positive"], sampler["negative"]) == ([key, 0], [key, 1])
    assert report.kept == []


def test_a_schedule_that_counts_a_latent_hands_it_on() -> None:
    scene = Scene()
    values = dict(text='"0": "a"', print_output=False, pre_text="", app_text="x", start_frame=0)
    values |= dict(pw_a=0, pw_b=0, pw_c=0, pw_d=0)
    kind, latent = "BatchPromptScheduleLatentInput", scene.latent
    key = scene.add(kind, "POS NEG LATENT", values, clip=scene.clip, num_latents=latent)
    scene.latent = scene.out(key, 2)
    scene.sampled(scene.gen1())
    prompt, _ = converted(scene, prompts=True)
    assert prompt[key]["inputs"]["latent"] == [latent[0], 0]
    assert prompt[key]["inputs"]["after"] == "x"
    assert of_kind(prompt, "KSampler")["latent_image"] == [latent[0], 0]


def test_a_schedule_of_one_frame_stays_with_its_reason() -> None:
    scene = Scene()
    scene.add("PromptSchedule", "CONDITIONING", dict(text="x", max_frames=9), clip=scene.clip)
    _, report = convert(scene.page(), PROMPTS)
    assert "it gives the prompt of one frame" in report.text()
