"""The timeline of prompts: the text is what it shows, and what is dragged is the text."""

from __future__ import annotations

from typing import Any

import pytest
from adk_tests.support.page import Page
from playwright.sync_api import Locator

TEXT = "0: a meadow in spring\n8: a meadow in summer\n24: a meadow in snow"


@pytest.fixture
def node(page: Page) -> int:
    """Prompt Travel in sight, with three prompts over 32 frames."""
    key = page.add("ADK_PromptTravel", (300, 200))
    page.set(key, "frames", 32)
    page.set(key, "prompts", TEXT)
    page.run("() => { app.canvas.setDirty(true, true); }")
    page.keep()
    return key


def blocks(page: Page) -> Locator:
    return page.panel("timeline").locator(".adk-block")


def frames(page: Page) -> list[int]:
    return [int(str(block.get_attribute("data-frame"))) for block in blocks(page).all()]


def width(page: Page) -> float:
    """Pixels of a frame."""
    box = page.panel("timeline").locator(".adk-track").bounding_box()
    assert box is not None
    return box["width"] / 32


def drag_by(page: Page, block: int, count: float) -> None:
    page.drag(blocks(page).nth(block), count * width(page))


def test_drags_change_the_text_and_survive(page: Page, node: int) -> None:
    """... save, undo, another file, a copy, and a subgraph."""
    assert frames(page) == [0, 8, 24]
    with page.quiet():
        drag_by(page, 1, 4.1)
        page.picture("timeline")
        assert page.value(node, "prompts") == TEXT.replace("8:", "12:")
        drag_by(page, 2, -14.0)  # past the one before it
        moved = "0: a meadow in spring\n10: a meadow in snow\n12: a meadow in summer"
        assert page.value(node, "prompts") == moved
        page.undo()
        assert page.value(node, "prompts") == TEXT.replace("8:", "12:")
        assert frames(page) == [0, 12, 24]
        page.undo()
        assert page.value(node, "prompts") == TEXT and frames(page) == [0, 8, 24]
        page.redo()
    saved = page.saved()
    (widgets,) = [each["widgets_values"] for each in saved["nodes"]]
    assert widgets == [TEXT.replace("8:", "12:"), 32, "", "", "linear", 0, 0, 0, 0, "commas"]
    page.clear()
    page.load(saved)
    assert page.value(node, "prompts") == TEXT.replace("8:", "12:")
    assert frames(page) == [0, 12, 24]


def test_the_page_loaded_anew_has_it(page: Page, node: int) -> None:
    drag_by(page, 1, 2.0)
    page.until(lambda: page.run(DRAFT).find("10: a meadow in summer") >= 0)
    page.open()
    page.until(lambda: page.panel("timeline").count())
    page.until(lambda: frames(page) == [0, 10, 24])


DRAFT = "() => JSON.stringify(Object.values({...localStorage, ...sessionStorage}))"


def test_a_copy_is_its_own(page: Page, node: int) -> None:
    page.select(node)
    page.run("() => { app.canvas.copyToClipboard(); app.canvas.pasteFromClipboard(); }")
    page.settle()
    (copy,) = {str(each["id"]) for each in page.saved()["nodes"]} - {str(node)}
    page.run(
        "id => { app.graph.getNodeById(id).pos = [900, 200]; app.canvas.setDirty(1, 1); }", copy
    )
    page.settle()
    panels = page.tab.locator('[data-panel="timeline"]')
    second = panels.nth(1).locator(".adk-block").nth(1)
    assert panels.count() == 2
    page.drag(second, 3.1 * width(page))
    texts = {page.value(node, "prompts"), page.value(copy, "prompts")}
    assert texts == {TEXT, TEXT.replace("8:", "11:")}


def test_in_a_subgraph(page: Page, node: int) -> None:
    page.run(
        "id => { const node = app.graph.getNodeById(id);"
        " const made = app.graph.convertToSubgraph(new Set([node]));"
        " app.canvas.openSubgraph(made.subgraph, made.node); }",
        node,
    )
    page.settle(6)
    page.run("() => { app.canvas.ds.offset = [0, 0]; app.canvas.ds.scale = 1; }")
    page.run("() => { app.canvas.graph.nodes[0].pos = [400, 250]; app.canvas.setDirty(1, 1); }")
    page.settle(6)
    inner = page.run("() => app.canvas.graph.nodes[0].id")
    drag_by(page, 1, 5.0)
    page.picture("timeline_in_a_subgraph")
    assert page.value(inner, "prompts") == TEXT.replace("8:", "13:")


def test_keys_and_fields(page: Page, node: int) -> None:
    blocks(page).nth(1).click()
    page.press("ArrowRight", "ArrowRight", "Shift+ArrowLeft")
    assert page.value(node, "prompts") == TEXT.replace("8:", "2:")
    page.press("Delete")
    assert page.value(node, "prompts") == "0: a meadow in spring\n24: a meadow in snow"
    page.press("Enter")  # the words of the one before it
    page.tab.keyboard.type(" rain")
    page.press("Enter")
    assert page.value(node, "prompts") == "0: a meadow in spring rain\n24: a meadow in snow"
    panel = page.panel("timeline")
    panel.locator(".adk-track").dblclick(position={"x": 12.5 * width(page), "y": 10})
    page.tab.keyboard.type('fog, "thick"')
    page.settle()
    added = page.value(node, "prompts").split("\n")
    assert added[1].endswith(': fog, "thick"') and added[1].split(":")[0] in ("12", "13")
    panel.get_by_label("frame", exact=True).fill("20")
    page.press("Enter")
    assert page.value(node, "prompts").split("\n")[1] == '20: fog, "thick"'
    panel.get_by_title("Take this prompt away").click()
    assert "fog" not in page.value(node, "prompts")
    assert len(page.saved()["nodes"]) == 1, "Delete is not the node's"


def says(page: Page, name: str = "timeline") -> str:
    page.tab.wait_for_timeout(250)
    return page.panel(name).get_by_role("status").inner_text()


def test_the_text_leads(page: Page, node: int) -> None:
    page.set(node, "prompts", '"0": "a cat, one",\n"40": "a dog"')
    assert says(page) == "Frame 40 lies beyond the end: the video has 32 frames."
    assert frames(page) == [0, 40]
    page.press("Escape")
    page.set(node, "frames", 64)
    blocks(page).nth(1).click()
    page.press("ArrowLeft")
    assert page.value(node, "prompts") == '"0": "a cat, one",\n"39": "a dog"'
    broken = "a cat without a frame"
    page.set(node, "prompts", broken)
    assert says(page).startswith("Shown as text only: no frame with a colon stands in line 1")
    assert frames(page) == [] and page.value(node, "prompts") == broken


def test_nothing_of_it_is_queued(page: Page, node: int) -> None:
    queued: dict[str, Any] = page.run(
        "async id => { const clip = LiteGraph.createNode('ADK_SmallWorldModels');"
        " app.graph.add(clip); const node = app.graph.getNodeById(id); clip.connect(1, node, 0);"
        " const shown = LiteGraph.createNode('PreviewAny'); app.graph.add(shown);"
        " node.connect(0, shown, 0); return (await app.graphToPrompt()).output[id].inputs; }",
        node,
    )
    assert queued["prompts"] == TEXT and "timeline" not in queued
