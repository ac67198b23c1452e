"""Bad settings over HTTP: one readable sentence each, and the server goes on as before."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from adk_tests.integration.graphs import (
    ANIMATE,
    FAILED,
    WINDOWS,
    Link,
    Scene,
    fails,
    latents,
    refusal,
)
from adk_tests.stand_in import files as stand_in
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.server import Server

pytestmark = pytest.mark.usefixtures("the_server_goes_on")


def test_no_frames_at_all_refuse_the_graph(server: Server) -> None:
    scene = Scene(0)
    scene.kept(scene.sampled(scene.animated()))
    assert "batch_size" in refusal(server, scene)


def test_one_frame_is_sampled_with_one_warning(server: Server) -> None:
    said = server.log.read_text(encoding="utf-8").count("Only 1 frame is being sampled")
    scene = Scene(1)
    (still,) = latents(server, scene, scene.animated(), steps=2)
    assert still.shape[0] == 1 and bool(torch.isfinite(still).all())
    log = server.log.read_text(encoding="utf-8")
    assert log.count("Only 1 frame is being sampled") == said + 1
    assert "Raise batch_size in Empty Latent Image" in log


def test_more_frames_than_positions(server: Server) -> None:
    scene = Scene(33)
    scene.kept(scene.sampled(scene.animated()))
    sentence = (
        rf"33 frames exceed the 32 positions that {stand_in.MOTION_MODEL} has\. Set "
        r"context_length of Animate Model to 16, connect Slide Context Windows with this length, "
        r"or lower the number of frames \(batch_size in Empty Latent Image\) to 32\."
    )
    fails(server, scene, "KSampler", sentence)


@pytest.mark.parametrize("schedule", ["standard_static", "views"])
def test_windows_longer_than_the_position_table(server: Server, schedule: str) -> None:
    scene = Scene(40)
    model = scene.windowed(scene.animated(), length=33, schedule=schedule)
    sampler = scene.sampled(model)[0]
    scene.kept([sampler, 0])
    steps: list[Any] = []
    with pytest.raises(LauncherError) as told:
        steps.extend(e for e in server.client.run(scene.prompt) if e.kind == "progress")
    sentence = (
        rf"33 frames exceed the 32 positions that {stand_in.MOTION_MODEL} has\. Set the context "
        r"window's length to 32 or less, or its view_length\."
    )
    assert re.fullmatch(FAILED.format(node="KSampler") + sentence, str(told.value))
    assert not steps


def too_much_overlap(overlap: int, length: int) -> str:
    return (
        rf"The overlap of {overlap} frames leaves windows of {length} no step forward; it must be "
        rf"at least 0 and below the length\. Set it to {length // 4}\."
    )


@pytest.mark.parametrize("overlap", [8, 9])
@pytest.mark.parametrize(
    "node", ["ADK_ContextWindows", "ADK_Animate", "ADK_FreeNoise", "ADK_PreviewWindows"]
)
def test_an_overlap_as_long_as_the_window(server: Server, node: str, overlap: int) -> None:
    scene = Scene(12)
    if node == "ADK_ContextWindows":
        scene.kept(scene.sampled(scene.windowed(scene.animated(), length=8, overlap=overlap)))
    elif node == "ADK_Animate":
        settings = {**ANIMATE, "context_length": 8, "context_overlap": overlap}
        scene.kept(scene.sampled(scene.link(node, model=scene.model, **settings)))
    elif node == "ADK_FreeNoise":
        noise = scene.link(node, latent=scene.latent, seed=1, length=8, overlap=overlap)
        scene.add("PreviewAny", source=noise)
    else:
        scene.add(node, frames=12, **{**WINDOWS, "length": 8, "overlap": overlap})
    fails(server, scene, node, too_much_overlap(overlap, 8))


def test_a_loop_that_its_schedule_cannot_close(server: Server) -> None:
    scene = Scene(12)
    scene.kept(scene.sampled(scene.windowed(scene.animated(), closed_loop=True)))
    sentence = (
        r"closed_loop is on, but the schedule standard_static never wraps round the end; choose "
        r"one of looped_uniform, shifted, views_shifted, or switch closed_loop off\."
    )
    fails(server, scene, "ADK_ContextWindows", sentence)


def test_an_empty_range_of_sampling(server: Server) -> None:
    scene = Scene(2)
    scene.kept(scene.sampled(scene.animated(start_percent=0.6, end_percent=0.4)))
    sentence = (
        r"The motion model's range runs from 0\.6 to 0\.4 of sampling; start_percent must be below "
        r"end_percent, both between 0 and 1\."
    )
    fails(server, scene, "ADK_ApplyMotionModel", sentence)


EXAMPLE = "Write one prompt a line, such as 0: a cat in spring."
BAD_PROMPTS = {
    "nothing": ("\n", f"There are no prompts. {EXAMPLE}"),
    "repeated": (
        "0: a cat\n8: a dog\n8: a cow",
        f"Prompts, line 3, column 1: frame 8 has a prompt already. {EXAMPLE}",
    ),
    "negative": (
        "0: a cat\n -8: a dog",
        "Prompts, line 2, column 2: '-8' is no frame number; frames are whole numbers from 0 on. "
        + EXAMPLE,
    ),
    "no number": (
        "0: a cat\nlater: a dog",
        "Prompts, line 2, column 1: 'later' is no frame number; frames are whole numbers from 0 "
        f"on. {EXAMPLE}",
    ),
    "no colon": (
        "0: a cat\na dog",
        "Prompts, line 2, column 1: no frame number with a prompt behind a colon stands here. "
        + EXAMPLE,
    ),
    "open quotation": (
        '"0": "a cat",\n"8": "a dog',
        "Prompts, line 2, column 1: no frame number with a prompt behind a colon stands here. "
        + EXAMPLE,
    ),
}


def travel(scene: Scene, prompts: str | Link) -> Link:
    return scene.link(
        "ADK_PromptTravel",
        clip=scene.clip,
        prompts=prompts,
        frames=2,
        before="",
        after="",
        interpolation="linear",
    )


@pytest.mark.parametrize("name", BAD_PROMPTS)
def test_bad_prompts_refuse_the_graph(server: Server, name: str) -> None:
    text, sentence = BAD_PROMPTS[name]
    scene = Scene(2)
    scene.positive = travel(scene, text)
    scene.kept(scene.sampled(scene.animated()))
    told = refusal(server, scene)
    assert "(ADK_PromptTravel)" in told and sentence in told


def test_prompts_that_come_through_a_link(server: Server) -> None:
    """They are not known before the graph runs, so the node itself says what is wrong."""
    text, sentence = BAD_PROMPTS["repeated"]
    scene = Scene(2)
    scene.positive = travel(scene, scene.link("PrimitiveStringMultiline", value=text))
    scene.kept(scene.sampled(scene.animated()))
    fails(server, scene, "ADK_PromptTravel", re.escape(sentence))
    scene = Scene(2)
    scene.positive = travel(scene, scene.link("PrimitiveStringMultiline", value="0: a cat"))
    assert torch.isfinite(latents(server, scene, scene.animated(), steps=1)[0]).all()


def on_half_a_character(node: str) -> Scene:
    """A graph in which a text of `node` holds the half of a surrogate pair, as JSON can."""
    scene = Scene(2)
    if node == "ADK_PromptTravel":
        scene.positive = travel(scene, scene.link("PrimitiveStringMultiline", value="0: \ud800"))
        scene.kept(scene.sampled(scene.animated()))
        return scene
    images = scene.link("EmptyImage", width=64, height=64, batch_size=2, color=0)
    made = dict(images=images, stride=1, frames=0, width=0, height=0)
    caption, folder = ("\ud800", "") if node == "ADK_ClipsFromImages" else ("a dog", "\ud800")
    clips = scene.link("ADK_ClipsFromImages", **made, caption=caption)
    if node == "ADK_VideoClips":
        numbers = dict(frames=2, stride=1, width=64, height=64, seed=0, clips_per_video=1)
        switches = dict(captions="sidecar", caption="", mirror=False, aspect_buckets=False)
        clips, folder = scene.link(node, source="\ud800", **numbers, **switches), ""
    scene.add("ADK_EncodeClips", clips=clips, vae=scene.vae, clip=scene.clip, cache_folder=folder)
    return scene


@pytest.mark.parametrize(
    "node", ["ADK_VideoClips", "ADK_EncodeClips", "ADK_ClipsFromImages", "ADK_PromptTravel"]
)
def test_half_a_character_does_not_stop_the_server(server: Server, node: str) -> None:
    """ComfyUI's worker ends for good when its log cannot write an error's text."""
    told = refusal(server, on_half_a_character(node))
    assert f"({node}) failed with ValueError: " in told and "half a character" in told


WITHOUT = [
    # node, the inputs that a page would send
    ("ADK_Animate", ANIMATE),
    ("ADK_LoadMotionModel", {"motion_model": stand_in.MOTION_MODEL, "family": "automatic"}),
    ("ADK_LoadMotionLoRA", {"lora": "x.safetensors", "strength": 1.0}),
    ("ADK_DomainAdapter", {"adapter": "x.safetensors", "scale": 1.0}),
    ("ADK_PromptTravel", {"prompts": "0: a", "frames": 2, "before": "", "after": ""}),
]


@pytest.mark.parametrize(
    ("node", "inputs", "missing"),
    [(node, inputs, name) for node, inputs in WITHOUT for name in inputs],
)
def test_a_widget_that_is_missing(
    server: Server, node: str, inputs: dict[str, Any], missing: str
) -> None:
    scene = Scene(2)
    sockets = dict(model=scene.model, clip=scene.clip, motion_model=scene.motion_model())
    values = {name: v for name, v in {**sockets, **inputs}.items() if name != missing}
    scene.add("PreviewAny", source=scene.link(node, **values))
    told = refusal(server, scene)
    assert f"Required input is missing: {missing}" in told
    assert "Exception" not in told and "argument" not in told


@pytest.mark.parametrize("name", [None, 3, {"a": 1}])
def test_a_file_name_that_is_none(server: Server, name: Any) -> None:
    scene = Scene(2)
    scene.kept(scene.sampled(scene.animated(scene.motion_model(name))))
    assert f"{name!r} is no name of a file. Choose one from the list." in refusal(server, scene)
