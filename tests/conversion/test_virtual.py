"""Links that the page alone knows are followed; their nodes go where they carry nothing more."""

from __future__ import annotations

from typing import Any

import pytest
from adk_tests.conversion.both import assert_whole, info
from adk_tests.support.old_graphs import Link, Scene
from animatediff_kit.conversion.convert import convert
from animatediff_kit.conversion.graph import Graph, Node
from animatediff_kit.conversion.read_page import graph_of_page
from animatediff_kit.conversion.virtual import Page
from animatediff_kit.launcher import workflow

Prompt = dict[str, dict[str, Any]]


def through(page: dict[str, Any]) -> tuple[Prompt, dict[str, Any]]:
    """(the prompt, the page) of a converted page."""
    new, report = convert(page)
    assert report.kept == []
    assert_whole(new)
    return workflow.to_prompt(new, info()), new


def kinds(page: dict[str, Any]) -> list[str]:
    return [node["type"] for node in page["nodes"]]


def carried(scene: Scene, what: Link, way: str) -> Link:
    """A link through nodes that the page alone knows."""
    if way == "reroutes":
        first = scene.out(scene.add("Reroute", what[2], saved=[], **{"": what}))
        return scene.out(scene.add("Reroute", what[2], saved=[], **{"": first}))
    if way == "set and get":
        scene.add("SetNode", "*", saved=["it"], value=what)
        return scene.out(scene.add("GetNode", what[2], saved=["it"]))
    assert way == "a bypassed node"
    # the second input is the first of the output's type
    return scene.out(scene.add("Tune", what[2], mode=4, other=scene.vae, it=what))


WAYS = ("reroutes", "set and get", "a bypassed node")


@pytest.mark.parametrize("way", WAYS)
def test_parts_that_come_by_detours(way: str) -> None:
    scene = Scene()
    context = carried(scene, scene.uniform(), way)
    lora = carried(scene, scene.lora("zoom.ckpt", 0.5), way) if way != "set and get" else None
    scene.sampled(scene.gen1(context_options=context, motion_lora=lora))
    new, report = convert(scene.page())
    assert_whole(new)
    found = set(kinds(new))
    assert "ADK_ContextWindows" in found
    assert "ADK_LoadMotionLoRA" in found or way == "set and get"
    assert not {"Reroute", "SetNode", "GetNode", "ADE_AnimateDiffLoaderGen1"} & found
    # a bypassed node may be switched on again, and keeps what it takes
    assert (report.kept != []) == (way == "a bypassed node")


@pytest.mark.parametrize("way", ("reroutes", "set and get"))
def test_a_model_that_comes_and_goes_by_detours_keeps_them(way: str) -> None:
    scene = Scene()
    scene.model = carried(scene, scene.model, way)
    scene.sampled(carried(scene, scene.gen1(), "reroutes"))
    graph, page = resolved(scene.page())
    apply = graph.source(one(graph, "KSampler"), "model")
    assert apply is one(graph, "ADK_ApplyMotionModel")
    assert graph.source(apply, "model") is one(graph, "CheckpointLoaderSimple")
    assert kinds(page).count("Reroute") == (4 if way == "reroutes" else 2)
    assert kinds(page).count("GetNode") == (0 if way == "reroutes" else 1)


def resolved(page: dict[str, Any]) -> tuple[Graph, dict[str, Any]]:
    """(the graph, the page) of a converted page: for nodes that the server has no class of."""
    new, report = convert(page)
    assert report.kept == []
    assert_whole(new)
    return graph_of_page(Page(new)), new


def one(graph: Graph, kind: str) -> Node:
    (found,) = graph.kinds(kind)
    return found


def test_anything_everywhere_sends_a_part_and_a_model() -> None:
    scene = Scene()
    context, links = scene.uniform(), dict(anything=scene.model, anything2=scene.clip)
    scene.add("Anything Everywhere", saved=[], anything=context)
    scene.add("Anything Everywhere3", saved=[], **links, anything3=context)
    loader = scene.out(scene.add("ADE_AnimateDiffLoaderGen1", "MODEL", GEN1, **FREE))
    scene.sampled(loader)
    types = {"model": "MODEL", "context_options": "CONTEXT_OPTIONS"}
    for slot in scene.nodes[loader[0]]["inputs"]:
        slot["type"] = types[slot["name"]]
    graph, page = resolved(scene.page())
    apply, windows = (one(graph, f"ADK_{n}") for n in ("ApplyMotionModel", "ContextWindows"))
    assert graph.source(apply, "model") is one(graph, "CheckpointLoaderSimple")
    assert graph.source(windows, "model") is apply
    # the first sent nothing else; the other still sends its two
    assert kinds(page).count("Anything Everywhere") == 0
    assert kinds(page).count("Anything Everywhere3") == 1


GEN1 = dict(model_name="v3_sd15_mm.ckpt", beta_schedule="autoselect")
FREE: dict[str, Any] = dict(model=None, context_options=None)


def test_links_that_newer_versions_of_everywhere_write_into_the_file() -> None:
    scene = Scene()
    context = scene.uniform()
    loader = scene.out(scene.add("ADE_AnimateDiffLoaderGen1", "MODEL", GEN1, **FREE))
    scene.join(scene.model, loader[0], "model")
    scene.sampled(loader)
    page = scene.page()
    told = {"downstream": int(loader[0]), "downstream_slot": 1, "upstream": context[0]}
    page["extra"]["ue_links"] = [{**told, "upstream_slot": 0, "type": "CONTEXT_OPTIONS"}]
    prompt, _ = through(page)
    assert "ADK_ContextWindows" in {node["class_type"] for node in prompt.values()}


def test_a_primitive_stays_on_the_widget_that_took_its_place() -> None:
    scene = Scene()
    primitive = scene.add("PrimitiveNode", "INT", saved=[24, "fixed"])
    context = scene.uniform(context_length=16)
    node = scene.nodes[context[0]]
    slot = {"name": "context_length", "type": "INT", "link": None}
    node["inputs"].append({**slot, "widget": {"name": "context_length"}})
    scene.join(scene.out(primitive), context[0], "context_length")
    scene.sampled(scene.gen1(context_options=context))
    prompt, page = through(scene.page())
    (windows,) = (n for n in prompt.values() if n["class_type"] == "ADK_ContextWindows")
    assert windows["inputs"]["length"] == 24
    assert "PrimitiveNode" in kinds(page)


def test_muted_parts_are_not_there_and_muted_loaders_stay_muted() -> None:
    scene = Scene()
    lora, context = scene.lora("zoom.ckpt", 0.5, mode=2), scene.uniform()
    loader = scene.gen1(motion_lora=lora, context_options=context)
    scene.sampled(loader)
    prompt, _ = through(scene.page())
    assert "ADK_LoadMotionLoRA" not in {node["class_type"] for node in prompt.values()}
    scene.nodes[loader[0]]["mode"] = 2
    new, _ = convert(scene.page())
    modes = {node["type"]: node["mode"] for node in new["nodes"]}
    assert modes["ADK_ApplyMotionModel"] == modes["ADK_ContextWindows"] == 2


def test_a_muted_number_gives_nothing() -> None:
    scene = Scene()
    scale = scene.multival(1.5)
    scene.nodes[scale[0]]["mode"] = 2
    scene.sampled(scene.gen1(scale_multival=scale))
    prompt, _ = through(scene.page())
    (apply,) = (n["inputs"] for n in prompt.values() if n["class_type"] == "ADK_ApplyMotionModel")
    assert apply["motion_scale"] == 1.0


def test_a_bypassed_loader_stays_bypassed() -> None:
    scene = Scene()
    loader = scene.gen1(context_options=scene.uniform())
    scene.nodes[loader[0]]["mode"] = 4
    scene.sampled(loader)
    prompt, page = through(scene.page())
    (sampler,) = (node for node in prompt.values() if node["class_type"] == "KSampler")
    assert sampler["inputs"]["model"] == [scene.model[0], 0]
    modes = {node["type"]: node["mode"] for node in page["nodes"]}
    assert modes["ADK_ApplyMotionModel"] == modes["ADK_ContextWindows"] == 4


def test_links_that_the_page_left_behind_are_not_followed() -> None:
    """`links` may hold what no input names."""
    scene = Scene()
    stale, context = scene.uniform(context_length=8), scene.uniform(context_length=24)
    loader = scene.gen1(context_options=context)
    scene.sampled(loader)
    scene.links.append([98, int(loader[0]), 0, int(scene.positive[0]), 0, "MODEL"])
    scene.links.append([99, int(stale[0]), 0, int(loader[0]), 1, "CONTEXT_OPTIONS"])
    new, _ = convert(scene.page())
    assert not {98, 99} & {link[0] for link in new["links"]}
    lengths = [n["widgets_values"][0] for n in new["nodes"] if n["type"] == "ADK_ContextWindows"]
    assert lengths == [24]


def test_a_circle_of_reroutes_ends() -> None:
    scene = Scene()
    first = scene.add("Reroute", "MODEL", saved=[], **{"": None})
    second = scene.add("Reroute", "MODEL", saved=[], **{"": scene.out(first)})
    scene.join(scene.out(second), first, "")
    scene.sampled(scene.gen1(model=scene.out(second)))
    new, _ = convert(scene.page())
    assert_whole(new)
    assert {"Reroute", "ADK_ApplyMotionModel"} <= set(kinds(new))
