"""All frames move in the sampler's node while it works, and are gone when it is done."""

from __future__ import annotations

from typing import Any

from adk_tests.browser.test_page import TEMPLATES, graph_of
from adk_tests.support.page import Page

WORLD = next(
    path
    for path in TEMPLATES
    if {"ADK_SmallWorldModels", "ADK_Animate"} <= {node["type"] for node in graph_of(path)["nodes"]}
)
WIDGETS = "id => app.graph.getNodeById(id).widgets.map(widget => widget.name)"


def test_frames_move_while_they_are_sampled(page: Page) -> None:
    page.load(graph_of(WORLD))
    (sampler,) = [node["id"] for node in page.saved()["nodes"] if node["type"] == "KSampler"]
    page.set(sampler, "steps", 8)
    page.fit()
    before = values(page.saved(), sampler)
    with page.quiet():
        page.run("() => app.queuePrompt(0)")
        picture = page.tab.locator(".adk-moving-preview")
        page.until(lambda: picture.count() and picture.get_attribute("data-frame"), 60)
        frames = set()
        for _ in range(8):
            frames.add(picture.get_attribute("data-frame"))
            page.tab.wait_for_timeout(130)
        page.picture("moving_preview")
        assert len(frames) >= 4, frames
        page.until(lambda: not picture.count(), 60)
    assert "animatediff_kit_preview" not in page.run(WIDGETS, sampler)
    after = values(page.saved(), sampler)  # behind them may follow the text of ComfyUI's progress
    assert after[: len(before)] == before and "base64" not in str(after)


def values(graph: dict[str, Any], node: int) -> list[Any]:
    return next(one["widgets_values"] for one in graph["nodes"] if one["id"] == node)
