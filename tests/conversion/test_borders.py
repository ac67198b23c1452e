"""Nodes of the old pack at a subgraph's border: what lies beyond it is not known, so that nothing
that crosses it is lost."""

from __future__ import annotations

from typing import Any

import pytest
from adk_tests.support.old_graphs import Link, Scene
from animatediff_kit.conversion.convert import convert
from animatediff_kit.conversion.rules import Choices

NAMES = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


def definition(scene: Scene, given: list[Link], taken: list[Link]) -> dict[str, Any]:
    """The scene as the inside of a subgraph: `given` are outputs of nodes that lie outside, `taken`
    those that it gives."""
    page = scene.page()
    links = [dict(zip(NAMES, link, strict=True)) for link in page["links"]]
    inputs = [{"name": f"in_{at}", "type": link[2], "linkIds": []} for at, link in enumerate(given)]
    outputs = [
        {"name": f"out_{at}", "type": link[2], "linkIds": []} for at, link in enumerate(taken)
    ]
    for at, (key, slot, _) in enumerate(given):
        for link in links:
            if (link["origin_id"], link["origin_slot"]) == (int(key), slot):
                link |= {"origin_id": -10, "origin_slot": at}
                inputs[at]["linkIds"].append(link["id"])
    for at, (key, slot, kind) in enumerate(taken):
        number = page["last_link_id"] + 1 + at
        values = (number, int(key), slot, -20, at, kind)
        links.append(dict(zip(NAMES, values, strict=True)))
        scene.nodes[key]["outputs"][slot]["links"].append(number)
        outputs[at]["linkIds"] = [number]
    outside = {int(key) for key, *_ in given}
    return {
        "id": "b1946ac9",
        "name": "part",
        "nodes": [node for node in page["nodes"] if node["id"] not in outside],
        "links": links,
        "state": {"lastNodeId": page["last_node_id"], "lastLinkId": max(x["id"] for x in links)},
        "inputs": inputs,
        "outputs": outputs,
    }


def converted(inside: dict[str, Any], **choices: bool) -> tuple[dict[str, Any], list[str]]:
    """(the subgraph, what stays of it); both ends of all its links tell the same."""
    use = {"id": 1, "type": inside["id"]}
    outer = {"nodes": [use], "links": [], "definitions": {"subgraphs": [inside]}}
    new, report = convert(outer, Choices(**choices))
    (graph,) = new["definitions"]["subgraphs"]
    links = {link["id"]: link for link in graph["links"]}
    nodes = {node["id"]: node for node in graph["nodes"]}
    for link in links.values():
        assert link["origin_id"] == -10 or link["origin_id"] in nodes
        assert link["target_id"] == -20 or link["target_id"] in nodes
    listed = [key for slot in (*graph["inputs"], *graph["outputs"]) for key in slot["linkIds"]]
    assert set(listed) <= set(links)
    return graph, report.kept


def kinds(graph: dict[str, Any]) -> list[str]:
    return [node["type"] for node in graph["nodes"]]


def loaders() -> dict[str, Any]:
    """An input from outside -> (a scene whose loader takes it, the input's link, what is said)."""
    found: dict[str, Any] = {}
    for name, give, said in (
        ("context_options", Scene.uniform, "its context options come from"),
        ("sample_settings", Scene.settings, "its sample settings come from"),
        ("scale_multival", Scene.multival, "scale_multival comes from"),
        ("motion_lora", lambda scene: scene.lora("zoom.ckpt", 1.0), "its MotionLoRAs come from"),
    ):
        scene = Scene()
        link = give(scene)
        scene.sampled(scene.gen1(**{name: link}))
        found[name] = (scene, link, said)
    scene = Scene()
    models = scene.applied(scene.loaded())
    scene.sampled(scene.evolved(models))
    found["m_models"] = (scene, models, "its motion models come from")
    return found


@pytest.mark.parametrize("name", loaders())
def test_a_loader_that_is_given_something_from_outside_stays(name: str) -> None:
    scene, link, said = loaders()[name]
    graph, kept = converted(definition(scene, [link], []))
    (line,) = (line for line in kept if "Loader" in line or "Evolved" in line)
    assert f"{said} the subgraph's input (in_0)" in line
    assert not [kind for kind in kinds(graph) if kind.startswith("ADK_")]
    assert graph["inputs"][0]["linkIds"]


def test_a_part_that_leaves_a_subgraph_stays() -> None:
    """Also behind a reroute."""
    scene = Scene()
    context = scene.uniform()
    route = scene.add("Reroute", "CONTEXT_OPTIONS", saved=[], **{"": context})
    scene.sampled(scene.gen1(context_options=context))
    graph, kept = converted(definition(scene, [], [scene.out(route)]))
    (line,) = kept
    assert "ContextOptions: it leaves the subgraph by the output out_0, for what is" in line
    assert "ADE_AnimateDiffUniformContextOptions" in kinds(graph)
    assert "ADK_ContextWindows" in kinds(graph), "the loader inside has its own"
    (out,) = (link for link in graph["links"] if link["target_id"] == -20)
    assert out["origin_id"] == int(route)


def test_a_model_that_leaves_a_subgraph_is_the_new_one() -> None:
    scene = Scene()
    model = scene.gen1(context_options=scene.uniform())
    graph, kept = converted(definition(scene, [], [model]))
    assert kept == []
    (out,) = (link for link in graph["links"] if link["target_id"] == -20)
    (windows,) = (node for node in graph["nodes"] if node["type"] == "ADK_ContextWindows")
    assert out["origin_id"] == windows["id"]


def test_a_checkpoint_whose_model_leaves_keeps_its_noise_schedule() -> None:
    scene = Scene()
    values = dict(
        ckpt_name="a.ckpt",
        beta_schedule="lcm",
        use_custom_scale_factor=False,
        scale_factor=0.18215,
    )
    key = scene.add("CheckpointLoaderSimpleWithNoiseSelect", "MODEL CLIP VAE", values)
    graph, _ = converted(definition(scene, [], [scene.out(key)]))
    assert "ADK_NoiseSchedule" in kinds(graph)


def test_a_video_whose_file_leaves_a_subgraph_stays() -> None:
    scene = Scene()
    values = dict(frame_rate=8, loop_count=0, filename_prefix="a", format="image/gif")
    images = scene.out(scene.add("VAEDecode", "IMAGE"))
    combine = scene.add("ADE_AnimateDiffCombine", "GIF", values, images=images)
    _, kept = converted(definition(scene, [], [scene.out(combine)]), videos=True)
    assert "the subgraph's output (out_0) takes its output" in kept[0]
