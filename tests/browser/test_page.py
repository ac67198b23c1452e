"""What a person finds in the page: the nodes by their word, the templates, the help, a run."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from adk_tests.integration.graphs import frames_of
from adk_tests.support.page import Page
from animatediff_kit.graphs.newer import NEWER
from animatediff_kit.launcher.server import Server

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(
    path for path in (ROOT / "example_workflows").glob("*.json") if path.name != "index.json"
)


def graph_of(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_word_that_people_type_finds_the_nodes(page: Page) -> None:
    offers = page.search("animatediff")
    page.picture("search")
    page.press("Escape", "Escape")
    assert sum("(AnimateDiff)" in offer for offer in offers) >= 5, offers
    assert "(AnimateDiff)" in offers[0]


def overlaps(boxes: dict[str, tuple[float, float, float, float]]) -> list[str]:
    """Pairs of nodes of which one covers a part of the other, of more than a line's width."""
    found = []
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        wide = min(a[2], b[2]) - max(a[0], b[0])
        high = min(a[3], b[3]) - max(a[1], b[1])
        if wide > 2 and high > 2:
            found.append(f"{one} and {other}: {wide:.0f} x {high:.0f}")
    return found


@pytest.mark.parametrize("path", TEMPLATES, ids=[path.stem for path in TEMPLATES])
def test_a_template_opens(page: Page, path: Path) -> None:
    with page.quiet():
        page.load(graph_of(path))
        assert set(page.missing()) <= set(NEWER)
        page.fit()
        page.settle(6)
        page.picture(f"template_{path.stem}")
    assert overlaps(page.boxes()) == []
    kinds = {node["type"] for node in graph_of(path)["nodes"]}
    assert {node["type"] for node in page.saved()["nodes"]} == kinds


def test_a_run_from_the_page_moves(page: Page, server: Server) -> None:
    page.load(graph_of(ROOT / "example_workflows" / "01-Small-world-text-to-animation.json"))
    for node in page.saved()["nodes"]:
        if node["type"] == "KSampler":
            page.set(node["id"], "steps", 4)
    done = page.queue()
    assert done["status"]["status_str"] == "success"
    page.settle(10)
    page.picture("queued")
    files = [
        server.base / "output" / image["subfolder"] / image["filename"]
        for output in done["outputs"].values()
        for image in output.get("images", [])
        if image["filename"].endswith(".webp")
    ]
    frames = frames_of(files[0])
    assert len(frames) >= 16
    assert all(one != other for one, other in itertools.pairwise(frames))


def test_help_opens(page: Page) -> None:
    node = page.add("ADK_ContextWindows", (300, 250))
    with page.quiet():
        page.select(node)
        page.tab.get_by_test_id("info-button").first.click()
        content = page.tab.locator(".node-help-content").first
        content.get_by_role("heading", name="Inputs").wait_for(timeout=20_000)
        animation = content.locator("img").first
        animation.scroll_into_view_if_needed()
        loaded = "image => image.decode().then(() => image.naturalWidth)"
        assert animation.evaluate(loaded) > 0
        page.picture("help")
    assert "closed_loop" in content.inner_text()
