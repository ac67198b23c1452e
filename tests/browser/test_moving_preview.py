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


COUNT = """() => { window.told = 0;
    app.api.addEventListener("animatediff_kit.preview", () => { window.told += 1; }); }"""


def test_frames_stay_away_from_another_workflow(page: Page) -> None:
    """With a node of the same kind and number in it; they are back with their own."""
    own = graph_of(WORLD)
    page.load(own)
    (sampler,) = [node["id"] for node in page.saved()["nodes"] if node["type"] == "KSampler"]
    page.set(sampler, "steps", 30)
    own = page.saved()
    picture = page.tab.locator(".adk-moving-preview")
    with page.quiet():
        page.run(COUNT)
        page.run("() => app.queuePrompt(0)")
        page.until(lambda: picture.count(), 60)
        page.load({**own, "id": "6dcbd1c4-6a8b-4c1e-9f43-4b4d0fd3c1ab"})
        heard = page.run("() => window.told")
        page.until(lambda: page.run("() => window.told") >= heard + 2, 60)
        assert not picture.count()
        page.load(own)
        page.until(lambda: picture.count(), 60)
        page.run("() => app.api.interrupt(null)")
        page.until(lambda: not picture.count(), 60)


def values(graph: dict[str, Any], node: int) -> list[Any]:
    return next(one["widgets_values"] for one in graph["nodes"] if one["id"] == node)
