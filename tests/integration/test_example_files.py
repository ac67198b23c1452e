"""What the files of the example workflows and blueprints hold: what `python graphs` lays out, nodes
and sockets that are there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adk_tests.integration.test_examples import BLUEPRINTS, FILES
from animatediff_kit.graphs import blueprints, templates
from animatediff_kit.graphs.newer import NEWER
from animatediff_kit.graphs.saved import text
from animatediff_kit.launcher import comfyui, workflow
from animatediff_kit.launcher.comfyui import ComfyUI
from animatediff_kit.launcher.server import Server

example = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


@example
def test_a_template_is_what_graphs_lays_out(comfy: ComfyUI, server: Server, path: Path) -> None:
    """After a change run `python graphs`; a file that is edited by hand is lost then."""
    if not comfy.ours:
        pytest.skip("The files are those of the pinned ComfyUI.")
    info = server.client.object_info()
    assert path.read_text(encoding="utf-8") == text(templates.built(path.stem, info))


@pytest.mark.parametrize("path", BLUEPRINTS, ids=[path.stem for path in BLUEPRINTS])
def test_a_blueprint_is_what_graphs_lays_out(comfy: ComfyUI, server: Server, path: Path) -> None:
    if not comfy.ours:
        pytest.skip("The files are those of the pinned ComfyUI.")
    info = server.client.object_info()
    assert path.read_text(encoding="utf-8") == text(blueprints.built(path.stem, info))


@pytest.mark.parametrize("count", [8, 7])
def test_an_older_file_keeps_static_windows(server: Server, count: int) -> None:
    """From before Animate Model could choose them, and of 0.1.0: what `run.py demo` and `fleet.py`
    queue of it, in a subgraph too."""
    info, found = {**NEWER, **server.client.object_info()}, set()
    for path in (*FILES, *BLUEPRINTS):
        content = saved(path)
        nodes = [node for level in levels(content) for node in level["nodes"]]
        for node in nodes:
            if node["type"] == "ADK_Animate":
                node["widgets_values"] = node["widgets_values"][:count]
        for node in workflow.to_prompt(content, info).values():
            if node["class_type"] == "ADK_Animate":
                found.add(path.parent.name)
                assert node["inputs"]["context_schedule"] == "standard_static", path
    assert found == {templates.FOLDER, blueprints.FOLDER}


def levels(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [content, *content.get("definitions", {}).get("subgraphs", [])]


@example
def test_an_example_needs_core_and_this_pack_alone(server: Server, path: Path) -> None:
    info = server.client.object_info()
    kinds = {node["type"] for node in saved(path)["nodes"]}
    kinds -= {*workflow.PAGE_ONLY, *NEWER}
    ours = {kind for kind in kinds if kind.startswith("ADK_")}
    assert ours
    for kind in kinds:
        module = info[kind]["python_module"]
        assert (module == f"custom_nodes.{comfyui.PACK_NAME}") == (kind in ours)
        assert kind in ours or module == "nodes" or module.startswith("comfy_extras.")


@example
def test_an_example_names_no_path_of_a_machine(path: Path) -> None:
    for written in strings(saved(path)):
        if not written.startswith("https://huggingface.co/"):
            assert not re.match(r"[/~\\]|[A-Za-z]:[/\\]|\w+://", written), written
        assert not re.search(r"/(home|root|Users|tmp|work|mnt)/", written), written


@example
def test_an_examples_widgets_are_the_nodes(comfy: ComfyUI, server: Server, path: Path) -> None:
    """As many values as the page makes widgets; a newer ComfyUI may have more of its own."""
    info = server.client.object_info()
    for node in saved(path)["nodes"]:
        if node["type"] in (*workflow.PAGE_ONLY, *NEWER):
            continue
        values = node["widgets_values"]
        count = widgets(info[node["type"]]["input"], values)
        assert len(values) <= count, node["type"]
        if comfy.ours or node["type"].startswith("ADK_"):
            assert len(values) == count, node["type"]


@example
def test_an_examples_links_join_sockets_of_their_type(server: Server, path: Path) -> None:
    info, content = {**NEWER, **server.client.object_info()}, saved(path)
    nodes = {node["id"]: node for node in content["nodes"]}
    for key, origin, output, target, place, kind in content["links"]:
        source, sink = nodes[origin], nodes[target]
        assert key in source["outputs"][output]["links"]
        assert sink["inputs"][place]["link"] == key
        assert kind in (info[source["type"]]["output"][output], "*")
        inputs = info[sink["type"]]["input"]
        named = {**inputs.get("required", {}), **inputs.get("optional", {})}
        assert kind in str(named[sink["inputs"][place]["name"]][0]).split(",")


def saved(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def strings(content: Any) -> Iterator[str]:
    """Every text in a JSON value, keys left out."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, (list, dict)):
        for value in content.values() if isinstance(content, dict) else content:
            yield from strings(value)


def widgets(specs: dict[str, Any], values: list[Any]) -> int:
    """How many values the page saves for these inputs; a choice may bring widgets of its own."""
    count = 0
    for section in ("required", "optional"):
        for name, (kind, *options) in specs.get(section, {}).items():
            has = options[0] if options else {}
            if kind == "COMFY_DYNAMICCOMBO_V3":
                chosen = values[count : count + 1] or [has["options"][0]["key"]]
                (brought,) = (o["inputs"] for o in has["options"] if o["key"] == chosen[0])
                count += 1 + widgets(brought, values[count + 1 :])
            elif has.get("forceInput"):  # a socket all the same
                continue
            elif isinstance(kind, list) or kind in workflow.WIDGET_TYPES:
                count += 1
                count += has.get("control_after_generate", name in workflow.SEEDS)
                count += any(has.get(upload) for upload in workflow.UPLOADS)
    return count
