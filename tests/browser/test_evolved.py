"""AnimateDiff-Evolved's graphs in the page: each value lies in the widget it was saved for."""

from __future__ import annotations

from typing import Any

from adk_tests.nodes.evolved.test_page import SAVED
from adk_tests.support.old_graphs import LEGACY, OldGraph, Scene
from adk_tests.support.page import Page

WIDGETS = """() => Object.fromEntries(app.graph.nodes.map(node =>
    [node.id, (node.widgets ?? []).filter(w => w.serialize !== false)
        .map(w => [w.name, w.value])]))"""


def old_scene() -> Scene:
    scene = Scene(frames=20)
    scene.legacy(
        context_options=scene.uniform(closed_loop=True, context_overlap=6),
        motion_lora=scene.lora("v2_lora_ZoomIn.ckpt", 0.8),
    )
    settings = scene.settings(seed_offset=3, batch_offset=2)
    scene.gen1(
        beta="lcm >> sqrt_linear",
        scale_multival=scene.multival(1.2),
        context_options=scene.static(context_length=12, fuse_method="flat"),
        sample_settings=settings,
    )
    scene.sampled(scene.evolved(scene.applied(scene.loaded(), 0.25, 0.75), "autoselect"))
    return scene


def test_an_old_graph_is_as_it_was_saved(page: Page) -> None:
    scene = old_scene()
    with page.quiet():
        page.load(scene.page())
        assert page.missing() == []
        page.fit()
        page.picture("evolved")
    shown = page.run(WIDGETS)
    links: dict[str, Any] = page.prompt()
    compared = 0
    for key, node in scene.prompt.items():
        values = dict(shown[key])
        for name, value in node["inputs"].items():
            if isinstance(value, list):
                if key in links:  # what leads to an output is queued
                    assert links[key]["inputs"][name] == value, (node["class_type"], name)
            elif node["class_type"].startswith("ADE_"):
                assert values[name] == value, (node["class_type"], name, values)
                compared += 1
    assert compared > 30


def test_arrays_of_other_versions(page: Page) -> None:
    graph = OldGraph()
    keys = [graph.add(kind, saved=saved) for kind, saved, _ in SAVED]
    page.load(graph.page())
    shown = page.run(WIDGETS)
    for key, (kind, saved, expected) in zip(keys, SAVED, strict=True):
        for (name, value), wanted in zip(shown[key], expected, strict=True):
            assert wanted is None or value == wanted, (kind, saved, name)


def test_what_was_missing_from_the_file_stands_as_it_was(page: Page) -> None:
    """A graph of a version without a fuse method runs with what that version did."""
    scene = Scene(frames=20)
    scene.sampled(scene.legacy(context_options=scene.uniform()))
    saved = scene.page()
    for node in saved["nodes"]:
        if node["type"] == "ADE_AnimateDiffUniformContextOptions":
            node["widgets_values"] = node["widgets_values"][:5]
            node["widgets_values"][4] = True
        if node["type"] == "ADE_AnimateDiffLoaderWithContext":
            node["widgets_values"] = node["widgets_values"][:2]
    page.load(saved)
    inputs = {node["class_type"]: node["inputs"] for node in page.prompt().values()}
    windows = inputs["ADE_AnimateDiffUniformContextOptions"]
    assert (windows["closed_loop"], windows["fuse_method"]) == (True, "flat")
    loader = inputs["ADE_AnimateDiffLoaderWithContext"]
    assert loader["model_name"] == LEGACY["model_name"] and loader["motion_scale"] == 1


def test_a_short_graph_is_saved_opened_again_and_run(page: Page) -> None:
    """Arrays of the first versions, on the models that ship with the pack."""
    scene = Scene("ADK_SmallWorldModels", 6)
    scene.sampled(
        scene.legacy(
            model_name="small_world_motion.safetensors",
            context_options=scene.uniform(context_length=4, context_overlap=2),
            sample_settings=scene.settings(),
        )
    )
    graph, short = scene.page(), {"ADE_AnimateDiffLoaderWithContext": 2}
    short["ADE_AnimateDiffUniformContextOptions"] = 5
    for node in graph["nodes"]:
        length = short.get(node["type"])
        node["widgets_values"] = node["widgets_values"][:length]
    with page.quiet():
        page.load(graph)
        once = page.prompt()
        page.load(page.saved())
        again = page.prompt()
        assert {k: n["inputs"] for k, n in again.items()} == {
            k: n["inputs"] for k, n in once.items()
        }
        assert page.queue()["status"]["status_str"] == "success"
