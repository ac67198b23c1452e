"""What stays of a file: places, titles, groups, ids, and all nodes of others."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from adk_tests.conversion.both import assert_whole, converted
from adk_tests.support.old_graphs import Scene
from animatediff_kit.conversion import ConversionError
from animatediff_kit.conversion.convert import convert


def scene_of_others() -> tuple[Scene, str]:
    scene = Scene()
    model = scene.legacy(context_options=scene.uniform())
    other = scene.add("FreeU_V2", "MODEL", dict(b1=1.3), title="mine", model=model)
    sampler = scene.sampled(scene.out(other))
    return scene, sampler


def test_nodes_of_others_groups_and_ids_stay_as_they_are() -> None:
    scene, _ = scene_of_others()
    page = scene.page()
    new, _ = convert(page)
    assert_whole(new)
    assert new["groups"] == page["groups"] and new["extra"] == page["extra"]
    old = {node["id"]: node for node in page["nodes"]}
    for node in new["nodes"]:
        if node["type"] in ("FreeU_V2", "KSampler", "CLIPTextEncode", "SaveLatent"):
            assert without_links(node) == without_links(old[node["id"]])


def without_links(node: dict[str, Any]) -> dict[str, Any]:
    node = copy.deepcopy(node)
    for slot in (*node["inputs"], *node["outputs"]):
        slot.pop("link", None), slot.pop("links", None)
    return node


def test_an_heir_has_the_id_the_place_and_the_looks_of_the_old_node() -> None:
    scene, _ = scene_of_others()
    (loader,) = (n for n in scene.nodes.values() if n["type"].endswith("LoaderWithContext"))
    loader |= {"title": "the motion", "color": "#232", "bgcolor": "#353", "flags": {"pinned": True}}
    new, _ = convert(scene.page())
    (heir,) = (node for node in new["nodes"] if node["type"] == "ADK_ApplyMotionModel")
    for name in ("id", "pos", "title", "color", "bgcolor", "flags", "order"):
        assert heir[name] == loader[name]


def test_a_title_that_the_old_pack_gave_goes() -> None:
    scene, _ = scene_of_others()
    (loader,) = (n for n in scene.nodes.values() if n["type"].endswith("LoaderWithContext"))
    loader["title"] = "AnimateDiff Loader \N{NEGATIVE CIRCLED LATIN CAPITAL LETTER A}"
    scene.prompt[str(loader["id"])]["_meta"] = {"title": loader["title"]}
    new, _ = convert(scene.page())
    assert not [node for node in new["nodes"] if node.get("title") == loader["title"]]
    prompt, _ = convert(scene.prompt)
    assert prompt[str(loader["id"])]["_meta"] == {"title": "Apply Motion Model (AnimateDiff)"}


def test_a_prompt_needs_no_meta_no_optional_inputs_and_no_numbers_for_ids() -> None:
    prompt = {
        "_comment": "made by hand",
        "load": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}},
        "ad": {
            "class_type": "ADE_AnimateDiffLoaderWithContext",
            "inputs": {"model": ["load", 0], "model_name": "v3_sd15_mm.ckpt"},
        },
        "windows": {"class_type": "ADE_StandardStaticContextOptions", "inputs": {}},
        "sample": {"class_type": "KSampler", "inputs": {"model": ["ad", 0], "seed": 1}},
    }
    new, report = convert(prompt)
    assert new["_comment"] == "made by hand" and new["load"] == prompt["load"]
    assert new["sample"]["inputs"] == {"model": ["ad", 0], "seed": 1}
    assert new["ad"]["class_type"] == "ADK_ApplyMotionModel" and "_meta" not in new["ad"]
    assert new["ad"]["inputs"]["motion_model"] == ["1", 0]
    assert new["1"]["inputs"]["motion_model"] == "v3_sd15_mm.ckpt"
    assert "windows" not in new and "led nowhere" in report.text()


def test_a_prompt_as_it_is_posted_keeps_what_is_around_it() -> None:
    scene, _ = scene_of_others()
    new, _ = convert({"prompt": scene.prompt, "client_id": "me"})
    assert new["client_id"] == "me" and new["prompt"] == convert(scene.prompt)[0]


def test_a_part_that_a_node_that_stays_needs_stays_too() -> None:
    scene = Scene()
    context = scene.uniform()
    scene.sampled(scene.legacy(context_options=context))
    scene.sampled(scene.legacy(context_options=context, motion_scale=100))
    new, report = convert(scene.page())
    assert_whole(new)
    kinds = [node["type"] for node in new["nodes"]]
    assert kinds.count("ADE_AnimateDiffUniformContextOptions") == 1
    assert kinds.count("ADK_ContextWindows") == 1
    (kept,) = (node for node in new["nodes"] if node["type"].startswith("ADE_AnimateDiffUniform"))
    assert kept["id"] == int(context[0])
    assert f"{context[0]} ADE_AnimateDiffUniformContextOptions: a node that stays" in report.text()


@pytest.mark.parametrize("schedule", ["use existing", "sqrt_linear (AnimateDiff)"])
def test_a_checkpoint_loader_keeps_its_noise_schedule_where_it_counts(schedule: str) -> None:
    scene = Scene()
    kind, values = (
        "CheckpointLoaderSimpleWithNoiseSelect",
        dict(
            ckpt_name="a.ckpt",
            beta_schedule=schedule,
            use_custom_scale_factor=False,
            scale_factor=0.18215,
        ),
    )
    checkpoint = scene.add(kind, "MODEL CLIP VAE", values)
    scene.clip = scene.out(checkpoint, 1)
    scene.sampled(scene.out(checkpoint))
    prompt, _ = converted(scene)
    kinds = [node["class_type"] for node in prompt.values()]
    assert ("ADK_NoiseSchedule" in kinds) == (schedule != "use existing")
    scene = Scene()
    scene.model = scene.out(scene.add(kind, "MODEL CLIP VAE", values))
    scene.sampled(scene.legacy())
    prompt, report = converted(scene)
    assert "ADK_NoiseSchedule" not in [node["class_type"] for node in prompt.values()]
    assert (f"{schedule} is left out" in report.text()) == (schedule != "use existing")


@pytest.mark.parametrize("mode", [0, 4])
def test_a_taker_that_sets_no_noise_schedule_leaves_the_checkpoints(mode: int) -> None:
    """Evolved Sampling without a motion model is such a one, and so is a bypassed loader."""
    scene = Scene()
    values = dict(
        ckpt_name="a.ckpt",
        beta_schedule="lcm",
        use_custom_scale_factor=False,
        scale_factor=0.18215,
    )
    kind = "CheckpointLoaderSimpleWithNoiseSelect"
    scene.model = scene.out(scene.add(kind, "MODEL CLIP VAE", values))
    taker = scene.evolved(None, context_options=scene.static()) if mode == 0 else scene.legacy()
    scene.nodes[taker[0]]["mode"] = mode
    scene.sampled(taker)
    new, report = convert(scene.page())
    assert [n["widgets_values"] for n in new["nodes"] if n["type"] == "ADK_NoiseSchedule"] == [
        ["LCM"]
    ]
    assert "is left out" not in report.text()


def test_unload_gives_the_model_before_the_loader_in_its_schedule() -> None:
    scene = Scene()
    model = scene.legacy(context_options=scene.uniform())
    scene.sampled(model)
    without = scene.out(scene.add("ADE_AnimateDiffUnload", "MODEL", model=model))
    second = scene.sampled(without)
    prompt, _ = converted(scene)
    schedule = prompt[prompt[second]["inputs"]["model"][0]]
    assert schedule["class_type"] == "ADK_NoiseSchedule"
    assert schedule["inputs"] == {"model": [scene.model[0], 0], "beta_schedule": "AnimateDiff"}


def test_the_inside_of_a_subgraph_is_converted_and_its_ends_hold() -> None:
    inside = Scene()
    inside.sampled(inside.legacy(context_options=inside.uniform()))
    definition = inside_of_a_subgraph(inside)
    (loader,) = (node for node in inside.nodes.values() if node["type"].endswith("WithContext"))
    shown = {"proxyWidgets": [[str(loader["id"]), "motion_scale"], ["2", "text"]]}
    use = {"id": 1, "type": definition["id"], "properties": shown}
    outer = {"nodes": [use], "links": [], "definitions": {"subgraphs": [definition]}}
    new, report = convert(outer)
    (warning,) = report.warnings
    assert "node 1 shows the widget 'motion_scale' of old node" in warning
    (graph,) = new["definitions"]["subgraphs"]
    assert "in subgraph part: " in report.text()
    links = {link["id"]: link for link in graph["links"]}
    (apply,) = (node for node in graph["nodes"] if node["type"] == "ADK_ApplyMotionModel")
    key = apply["inputs"][0]["link"]
    assert links[key]["origin_id"] == -10 and graph["inputs"][0]["linkIds"] == [key]
    assert graph["state"]["lastLinkId"] == max(links)


def inside_of_a_subgraph(scene: Scene) -> dict[str, Any]:
    """The scene as a definition, its first node's model coming from outside."""
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    page = scene.page()
    links = [dict(zip(names, link, strict=True)) for link in page["links"]]
    first = int(scene.model[0])
    mine = [link for link in links if link["origin_id"] == first and link["origin_slot"] == 0]
    for link in mine:
        link["origin_id"] = -10
    state = {"lastNodeId": page["last_node_id"], "lastLinkId": page["last_link_id"]}
    ends = [{"name": "model", "type": "MODEL", "linkIds": [link["id"] for link in mine]}]
    return {
        "id": "b1946ac9",
        "name": "part",
        "nodes": page["nodes"],
        "links": links,
        "state": state,
        "inputs": ends,
        "outputs": [],
    }


def test_a_group_node_of_old_nodes_is_reported() -> None:
    scene = Scene()
    group = {"nodes": [{"type": "ADE_AnimateDiffLoaderGen1"}], "links": []}
    page = scene.page()
    page["nodes"] += [{"id": 90, "type": "workflow>motion", "inputs": [], "outputs": []}]
    page["extra"]["groupNodes"] = {"motion": group, "unused": group}
    _, report = convert(page)
    assert "The group node 'motion' holds nodes of AnimateDiff-Evolved" in report.text()
    assert "unused" not in report.text()


def test_the_report_names_the_nodes_of_other_packs() -> None:
    scene, _ = scene_of_others()
    scene.add("VHS_VideoCombine", "VHS_FILENAMES", saved={}, images=None)
    scene.add("ADK_Animate", "MODEL", model=scene.model)
    _, report = convert(scene.page())
    assert dict(report.others) == {"VHS_VideoCombine": 1}


def test_a_graph_without_old_nodes_is_as_it_was() -> None:
    page = {"nodes": [{"id": 1, "type": "Note", "widgets_values": ["x"]}], "links": []}
    new, report = convert(page)
    assert new == page and report.text() == "Nothing of AnimateDiff-Evolved is in it."


BAD = {
    "no workflow": {"a": 1},
    "an array": [1, 2],
    "a node without an id": {"nodes": [{"type": "KSampler"}]},
    "an input without a name": {"nodes": [{"id": 1, "type": "ADE_X", "inputs": [3]}], "links": []},
    "a link of words": {"nodes": [], "links": ["a"]},
    "a short link": {"nodes": [{"id": 1, "inputs": [{"link": 1}]}], "links": [[1]]},
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_workflow_is_refused_with_a_sentence(case: str) -> None:
    sentence = "It holds no workflow|is damaged: a node or a link lacks a part"
    with pytest.raises(ConversionError, match=sentence):
        convert(BAD[case])
