"""The curve of a strength and the picture of the windows, in their nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
from adk_tests.browser.test_page import graph_of
from adk_tests.browser.test_timeline import says
from adk_tests.support.page import Page
from animatediff_kit.sampling.windows import WindowSettings, windows_of

ROOT = Path(__file__).resolve().parents[2]
LIT = """name => [...document.querySelectorAll(`[data-panel="${name}"] canvas`)].map(canvas => {
    const { width, height } = canvas;
    const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    return Array.from({ length: height / 3 }, (_, row) => Array.from({ length: width }, (_, x) => x)
        .filter(x => data[(row * 3 * width + x) * 4 + 3] > 0));
})"""
"""Of each canvas, the frames that each row lights."""


@pytest.fixture
def strength(page: Page) -> int:
    node = page.add("ADK_Strength", (300, 200))
    page.set(node, "per_frame", "0: 1.00, 8: 0.2 smooth")
    page.keep()
    return node


def test_points_are_dragged_added_and_deleted(page: Page, strength: int) -> None:
    panel = page.panel("value_curve")
    points, plot = panel.locator(".adk-point"), panel.locator(".adk-plot")
    box = plot.bounding_box()
    assert box is not None and points.count() == 2
    frame, high = box["width"] / 16, box["height"] / 1.5
    with page.quiet():
        page.drag(points.nth(1), 2 * frame, -0.3 * high)
        page.picture("curve")
        assert page.value(strength, "per_frame") == "0: 1.00, 10: 0.5 smooth"
        page.undo()
        assert page.value(strength, "per_frame") == "0: 1.00, 8: 0.2 smooth"
        page.redo()
        plot.dblclick(position={"x": 4.5 * frame, "y": 0.28 * high})
        page.settle()
        assert page.value(strength, "per_frame").startswith("0: 1.00, 4: 1.2")
        page.panel("value_curve").get_by_label("easing").select_option("step")
        points.nth(1).click()
        page.press("ArrowUp", "Shift+ArrowDown", "ArrowLeft")
        kept = page.value(strength, "per_frame").split(", ")
        assert kept[0] == "0: 1.00" and kept[1].endswith(" step") and kept[1].startswith("3: 1.2")
        page.press("Delete", "Delete", "Delete")
        assert page.value(strength, "per_frame") == ""
    exact = "0: 1.00, 8: 0.333 smooth"
    page.set(strength, "per_frame", exact)
    page.drag(points.nth(1), 1.0, 1.0)
    assert page.value(strength, "per_frame") == exact, "a hand that trembles chooses, and moves not"
    field = page.panel("value_curve").get_by_label("value", exact=True)
    for typed, written in (("0.125", "8: 0.125 smooth"), ("", "8: 0.125 smooth")):
        field.fill(typed)
        page.press("Enter")
        assert page.value(strength, "per_frame").split(", ")[1] == written
    page.set(strength, "per_frame", "0: one")
    assert says(page, "value_curve") == 'Shown as text only: "one" is no number.'


def test_windows_follow_the_widgets(page: Page) -> None:
    node = page.add("ADK_ContextWindows", (300, 200))
    shifted = "6 windows over 64 frames, as an example, each of the first 4 steps"
    assert says(page, "window_picture") == shifted
    page.set(node, "schedule", "standard_static")
    page.tab.wait_for_timeout(250)
    assert says(page, "window_picture") == "5 windows over 64 frames, as an example, every step"
    for name, value in dict(length=8, overlap=2, schedule="standard_uniform").items():
        page.set(node, name, value)
    page.tab.wait_for_timeout(250)
    settings = WindowSettings(8, 2, schedule="standard_uniform")
    lit = page.run(LIT, "window_picture")
    assert lit == [
        [sorted(window) for window in windows_of(32, settings, step)] for step in range(4)
    ]
    page.picture("windows")
    page.set(node, "overlap", 8)
    assert says(page, "window_picture") == "No windows: overlap 8 must be below the length 8."


def test_the_graph_says_how_many_frames(page: Page) -> None:
    graph = graph_of(LONG)
    page.load(graph)
    page.fit()
    frames = next(
        node["widgets_values"][2] for node in graph["nodes"] if node["type"] == "EmptyLatentImage"
    )
    assert f"over {frames} frames, " in says(page, "window_picture")


LONG = next(
    path
    for path in sorted((ROOT / "example_workflows").glob("*.json"))
    if '"ADK_ContextWindows"' in path.read_text(encoding="utf-8")
    and '"EmptyLatentImage"' in path.read_text(encoding="utf-8")
)
