"""A new Animate Model has shifted windows; a graph that was saved before it could choose keeps its
static ones, wherever it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adk_tests.support.page import Page

ROOT = Path(__file__).resolve().parents[2]
LONG = ROOT / "example_workflows" / "04-Small-world-long-animation.json"
FOLDED = ROOT / "subgraphs" / "Long Animation.json"
KIND, WIDGET, STATIC, SHIFTED = "ADK_Animate", "context_schedule", "standard_static", "shifted"
BEFORE = [8, 7]
"""Values that were saved before it could choose, and in 0.1.0."""

OLD_CLIPBOARD = """count => {
    const key = "litegrapheditor_clipboard", held = JSON.parse(localStorage.getItem(key));
    for (const node of held.nodes) node.widgets_values = node.widgets_values.slice(0, count);
    localStorage.setItem(key, JSON.stringify(held));
}"""


def animated(graph: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The saved nodes, in subgraphs too."""
    levels = [graph, *graph.get("definitions", {}).get("subgraphs", [])]
    return (node for level in levels for node in level["nodes"] if node["type"] == KIND)


def saved_with(path: Path, count: int) -> dict[str, Any]:
    """The file with so many values of Animate Model."""
    graph = json.loads(path.read_text(encoding="utf-8"))
    for node in animated(graph):
        node["widgets_values"] = node["widgets_values"][:count]
    return graph


def queued(page: Page) -> str:
    """The schedule that the page would queue."""
    (inputs,) = (node["inputs"] for node in page.prompt().values() if node["class_type"] == KIND)
    return inputs[WIDGET]


def test_a_new_node_has_shifted_windows(page: Page) -> None:
    assert page.value(page.add(KIND), WIDGET) == SHIFTED
    assert page.value(page.add("ADK_ContextWindows"), "schedule") == SHIFTED
    assert page.value(page.add("ADK_PreviewWindows"), "schedule") == SHIFTED


@pytest.mark.parametrize("path", [LONG, FOLDED], ids=lambda path: path.stem)
@pytest.mark.parametrize("count", BEFORE)
def test_a_graph_from_before_keeps_static_windows(page: Page, path: Path, count: int) -> None:
    with page.quiet():
        page.load(saved_with(path, count))
    assert queued(page) == STATIC
    (saved,) = animated(page.saved())
    (shipped,) = animated(json.loads(path.read_text(encoding="utf-8")))
    assert saved["widgets_values"] == [*shipped["widgets_values"][:8], STATIC]
    page.load(page.saved())
    assert queued(page) == STATIC


@pytest.mark.parametrize("path", [LONG, FOLDED], ids=lambda path: path.stem)
def test_a_graph_of_now_opens_as_it_was_saved(page: Page, path: Path) -> None:
    page.load(saved_with(path, 9))
    assert queued(page) == SHIFTED
    graph = saved_with(path, 9)
    for node in animated(graph):
        node["widgets_values"][8] = "views"
    page.load(graph)
    assert queued(page) == "views"


@pytest.mark.parametrize("count", BEFORE)
def test_undo_and_paste_keep_what_was_there(page: Page, count: int) -> None:
    page.load(saved_with(LONG, count))
    (node,) = (node["id"] for node in animated(page.saved()))
    page.keep()
    page.set(node, "context_overlap", 8)
    page.keep()
    page.undo()
    assert page.value(node, "context_overlap") == 4
    assert page.value(node, WIDGET) == STATIC
    page.select(node)
    page.run("() => app.canvas.copyToClipboard()")
    page.run("() => app.canvas.pasteFromClipboard()")
    page.run(OLD_CLIPBOARD, count)  # as it was copied in a page before
    page.run("() => app.canvas.pasteFromClipboard()")
    page.settle()
    pasted = [each["widgets_values"][8] for each in animated(page.saved())]
    assert pasted == [STATIC] * 3


def test_a_prompt_of_the_api_gets_the_defaults_of_what_it_does_not_name(page: Page) -> None:
    page.load(saved_with(LONG, 9))
    prompt = page.prompt()
    for node in prompt.values():
        if node["class_type"] == KIND:
            del node["inputs"][WIDGET]
    page.run("prompt => app.loadApiJson(prompt, 'dropped')", prompt)
    page.settle()
    assert queued(page) == SHIFTED
