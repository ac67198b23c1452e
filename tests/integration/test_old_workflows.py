"""Old graphs, converted, run in a real server with the models that ship with the pack."""

from __future__ import annotations

import urllib.error
from collections.abc import Callable
from typing import Any

import pytest
import torch
from adk_tests.integration.graphs import Graph, refusal, run
from adk_tests.support.old_graphs import Link, Scene
from animatediff_kit.conversion.convert import convert
from animatediff_kit.conversion.limits import LIMITS
from animatediff_kit.conversion.new_nodes import NEW_NODES, SOCKET
from animatediff_kit.conversion.report import core_nodes
from animatediff_kit.conversion.rules import Choices
from animatediff_kit.launcher import workflow
from animatediff_kit.launcher.server import Server
from torch import Tensor

MOTION, ZOOM = "small_world_motion.safetensors", "small_world_zoom_in.safetensors"
FRAMES = 20


def legacy(scene: Scene) -> Link:
    return scene.legacy(
        model_name=MOTION,
        context_options=scene.uniform(),
        motion_lora=scene.lora(ZOOM, 0.8),
    )


def gen1(scene: Scene) -> Link:
    custom = scene.out(scene.add("ADE_CustomCFGSimple", "CUSTOM_CFG", dict(cfg=2.0)))
    return scene.gen1(
        MOTION,
        scale_multival=scene.multival(1.2),
        context_options=scene.static(context_length=16, context_overlap=4),
        sample_settings=scene.settings(custom_cfg=custom),
    )


def gen2(scene: Scene) -> Link:
    motion = scene.loaded(MOTION)
    first = scene.applied(motion, 0.0, 0.5, effect_multival=scene.multival(0.9))
    second = scene.applied(motion, 0.5, 1.0, prev_m_models=first)
    return scene.evolved(second, "lcm >> sqrt_linear", context_options=scene.uniform())


SHAPES: dict[str, Callable[[Scene], Link]] = {"legacy": legacy, "gen1": gen1, "gen2": gen2}


def old_scene(shape: str) -> tuple[Scene, str]:
    scene = Scene("ADK_SmallWorldModels", FRAMES)
    values = dict(text='"0": "a red square", "10": "a blue circle"', max_frames=FRAMES)
    values |= dict(print_output=False, pre_text="", app_text="on black", start_frame=0)
    values |= dict(pw_a=0, pw_b=0, pw_c=0, pw_d=0)
    scene.positive = scene.out(
        scene.add("BatchPromptSchedule", "CONDITIONING NEG", values, clip=scene.clip)
    )
    sampler = scene.sampled(SHAPES[shape](scene))
    links = dict(samples=scene.out(sampler), vae=scene.vae)
    images = scene.out(scene.add("VAEDecode", "IMAGE", **links))
    video = dict(frame_rate=8, loop_count=0, filename_prefix="old", format="video/h264-mp4")
    video |= dict(pingpong=False, save_output=True)
    scene.add("VHS_VideoCombine", "VHS_FILENAMES", video, saved=video, images=images)
    return scene, str(int(sampler) + 1)


def motion_half(shape: str) -> tuple[Scene, str]:
    """A scene of the old pack's nodes and ComfyUI's alone."""
    scene = Scene("ADK_SmallWorldModels", FRAMES)
    sampler = scene.sampled(SHAPES[shape](scene))
    return scene, str(int(sampler) + 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_frames_are_those_of_the_old_nodes(server: Server, shape: str) -> None:
    scene, keeper = motion_half(shape)
    old, new = Graph(), Graph()
    old.prompt, (new.prompt, report) = scene.prompt, convert(scene.prompt)
    assert report.kept == []
    before, after = run(server, old).latent(keeper), run(server, new).latent(keeper)
    assert torch.equal(before, after) and not torch.equal(before[0], before[10])


def frames_of(server: Server, prompt: dict[str, Any], keeper: str) -> Tensor:
    graph = Graph()
    graph.prompt = prompt
    done = run(server, graph)
    assert len(done.files(".mp4")) == 1
    return done.latent(keeper)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_old_graph_runs_and_both_formats_give_the_same_frames(
    server: Server, shape: str
) -> None:
    scene, keeper = old_scene(shape)
    info, choices = server.client.object_info(), Choices(videos=True, prompts=True)
    page, report = convert(scene.page(), choices)
    assert report.kept == [] and not report.others
    of_page = frames_of(server, workflow.to_prompt(page, info), keeper)
    prompt, _ = convert(scene.prompt, choices)
    assert torch.equal(of_page, frames_of(server, prompt, keeper))
    assert len(of_page) == FRAMES and not torch.equal(of_page[0], of_page[10])


DYNAMIC = {"SaveVideo": {"format", "codec"}}
"""Choices that newer versions of ComfyUI build of smaller ones; the values are as they were."""


@pytest.mark.parametrize("kind", [kind for kind in NEW_NODES if not kind.startswith("ADK_")])
def test_the_nodes_of_comfyui_that_come_are_as_the_table_has_them(
    server: Server, kind: str
) -> None:
    told, new = server.client.object_info()[kind], NEW_NODES[kind]
    inputs = {**told["input"].get("required", {}), **told["input"].get("optional", {})}
    assert [name for name in inputs if name in new.types] == list(new.types)
    for name, type_, default in new.inputs:
        spec = inputs[name]
        if name in DYNAMIC.get(kind, ()):
            continue
        assert ("COMBO" if isinstance(spec[0], list) else spec[0]) == type_
        if default is not SOCKET and default is not None and len(spec) > 1:
            assert spec[1].get("default", default) == default
        if name in LIMITS.get(kind, {}):
            assert (spec[1]["min"], spec[1]["max"]) == LIMITS[kind][name]
    assert told["output"][: len(new.outputs)] == [type_ for _, type_ in new.outputs]
    assert told["display_name"].replace(" ", "") == new.title.replace(" ", "")


def test_the_list_of_comfyui_s_own_nodes_is_that_of_the_server(server: Server) -> None:
    """A newer one may have more; none of ours is among them."""
    info = server.client.object_info()
    own = {
        kind
        for kind, told in info.items()
        if told["python_module"] == "nodes" or told["python_module"].startswith("comfy_extras")
    }
    assert len(own - core_nodes()) < 40
    assert not {kind for kind in core_nodes() if kind.startswith(("ADK_", "ADE_"))}


def test_an_id_without_a_class_is_replaced_where_comfyui_can(server: Server) -> None:
    """From a prompt without `_meta`, and without inputs that may be left out."""
    scene = Scene("ADK_SmallWorldModels", FRAMES)
    value = scene.out(scene.add("ADE_MultivalDynamicFloatInput", "MULTIVAL", dict(float_val=1.3)))
    sampler = scene.sampled(scene.gen1(MOTION, scale_multival=value))
    graph, keeper = Graph(), str(int(sampler) + 1)
    graph.prompt = scene.prompt
    if not replaces_nodes(server):
        assert "ADE_MultivalDynamicFloatInput" in refusal(server, graph)
        return
    frames = run(server, graph).latent(keeper)
    graph.prompt[value[0]]["class_type"] = "ADE_MultivalDynamic"
    assert torch.equal(frames, run(server, graph).latent(keeper))
    graph.prompt[value[0]]["inputs"]["float_val"] = 1.0
    assert not torch.equal(frames, run(server, graph).latent(keeper))


def replaces_nodes(server: Server) -> bool:
    try:
        return "ADE_MultivalDynamicFloatInput" in server.client.get_json("/node_replacements")
    except urllib.error.HTTPError:
        return False
