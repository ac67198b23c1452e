"""The AnimateDiff half of a workflow: its own nodes and settings, the rest stood in for."""

from __future__ import annotations

from adk_tests.support.old_graphs import Scene
from animatediff_kit.conversion.convert import convert
from animatediff_kit.conversion.motion_half import FILES, Prompt, motion_half, name_widgets
from animatediff_kit.conversion.read_api import graph_of_prompt
from animatediff_kit.conversion.read_page import graph_of_page
from animatediff_kit.conversion.virtual import Page


def kinds(prompt: Prompt) -> set[str]:
    return {node["class_type"] for node in prompt.values()}


def scene() -> Scene:
    made = Scene()
    made.add("VHS_LoadVideo", "IMAGE", dict(video="a.mp4"))
    lora = made.lora("zoom.ckpt", 0.5)
    made.sampled(made.legacy(context_options=made.uniform(context_length=8), motion_lora=lora))
    return made


def test_old_nodes_keep_their_settings_and_get_files_that_ship() -> None:
    made = scene()
    for graph in (graph_of_prompt(made.prompt), graph_of_page(Page(made.page()))):
        half = motion_half(graph)
        found = {node["class_type"]: node["inputs"] for node in half.values()}
        loader = found["ADE_AnimateDiffLoaderWithContext"]
        assert loader["motion_scale"] == 1.1 and loader["model_name"] == FILES["model_name"]
        assert half[loader["model"][0]]["class_type"] == "ADK_SmallWorldModels"
        assert found["ADE_AnimateDiffUniformContextOptions"]["context_length"] == 8
        assert found["KSampler"]["steps"] == 1 and "SaveLatent" in found
        assert not {"VHS_LoadVideo", "CheckpointLoaderSimple"} & set(found)
        for node in half.values():
            links = [value for value in node["inputs"].values() if isinstance(value, list)]
            assert all(link[0] in half for link in links)


def test_a_converted_graph_has_the_same_half() -> None:
    page, _ = convert(scene().page())
    graph = graph_of_page(Page(page))
    name_widgets(graph, Page(page))
    prompt, _ = convert(scene().prompt)
    for half in (motion_half(graph), motion_half(graph_of_prompt(prompt))):
        found = {node["class_type"]: node["inputs"] for node in half.values()}
        assert found["ADK_ApplyMotionModel"]["motion_scale"] == 1.1
        assert found["ADK_ContextWindows"]["length"] == 8
        assert found["ADK_LoadMotionLoRA"]["lora"] == FILES["lora"]
        assert found["ADK_LoadMotionModel"]["family"] == "automatic"


def test_a_widget_that_another_pack_fills_has_its_default() -> None:
    made = Scene()
    switch = made.out(made.add("Number", "BOOLEAN"))
    values = dict(context_length=8, context_stride=1, context_overlap=4, closed_loop=False)
    links = dict(closed_loop=switch)
    context = made.add("ADE_LoopedUniformContextOptions", "CONTEXT_OPTIONS", values, **links)
    made.sampled(made.gen1(context_options=made.out(context)))
    prompt, _ = convert(made.prompt)
    (windows,) = (n["inputs"] for n in prompt.values() if n["class_type"] == "ADK_ContextWindows")
    assert windows["closed_loop"] == [switch[0], 0]
    half = motion_half(graph_of_prompt(prompt))
    (windows,) = (n["inputs"] for n in half.values() if n["class_type"] == "ADK_ContextWindows")
    assert windows["closed_loop"] is False and windows["length"] == 8


def test_what_is_switched_off_is_no_half() -> None:
    made = scene()
    for node in made.nodes.values():
        node["mode"] = 2
    assert motion_half(graph_of_page(Page(made.page()))) == {}
