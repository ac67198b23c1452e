"""The arrows of the camera on the nodes that take a MotionLoRA, with the small world's files."""

from __future__ import annotations

import pytest
from adk_tests.support.page import Page

ROWS = [("ADK_Animate", "motion_lora", "lora_strength"), ("ADK_LoadMotionLoRA", "lora", "strength")]
OURS = "small_world_motion.safetensors"
PRESSED = """() => [...document.querySelectorAll('.adk-camera-pad [aria-pressed="true"]')]
    .map(button => button.dataset.move)"""


@pytest.mark.parametrize(("kind", "file", "strength"), ROWS)
def test_an_arrow_chooses_the_file_of_its_move(
    page: Page, kind: str, file: str, strength: str
) -> None:
    node = page.add(kind, (300, 300))
    if kind == "ADK_Animate":
        page.set(node, "motion_model", OURS)
        assert page.value(node, file) == "none"
    page.keep()
    first = page.run(PRESSED)
    arrow = page.tab.locator('.adk-camera-pad [data-move="pan left"]')
    with page.quiet():
        page.set(node, strength, -0.5)
        arrow.hover()
        stage = page.tab.locator(".adk-camera-stage")
        begun = stage.get_attribute("data-u")
        page.tab.wait_for_timeout(300)
        assert stage.get_attribute("data-u") != begun, "it plays"
        arrow.click()
        page.picture(f"camera_pad_{kind}")
        assert page.value(node, file) == "small_world_pan_left.safetensors"
        assert page.value(node, strength) == 1, "at -0.5 it would go back"
        assert page.run(PRESSED) == ["pan left"]
        page.undo()
        assert page.value(node, strength) == -0.5, "one click is one step back, and no more"
        assert page.run(PRESSED) == first
        page.redo()
        assert page.run(PRESSED) == ["pan left"], "an undone node shows its arrow at once"
        page.set(node, strength, 0.7)
        page.tab.locator('.adk-camera-pad [data-move="roll clockwise"]').click()
        assert page.value(node, file) == "small_world_roll_clockwise.safetensors"
        assert page.value(node, strength) == 0.7
        page.tab.mouse.move(5, 5)
        page.settle()
        assert not stage.count()
    graph = page.saved()
    (saved,) = graph["nodes"]
    assert len(saved["widgets_values"]) == (9 if kind == "ADK_Animate" else 2), "it saves nothing"
    page.load(graph)
    page.settle()
    assert page.run(PRESSED) == ["roll clockwise"]


def test_a_move_without_a_file_is_grey(page: Page) -> None:
    node = page.add("ADK_Animate", (300, 300))
    page.run(
        "id => { const n = app.graph.getNodeById(id); for (const w of n.widgets)"
        " if (w.name === 'motion_lora') w.options.values = ['none', 'v2_lora_ZoomIn.ckpt'];"
        " n.adkCameraPad.update(); }",
        node,
    )
    page.set(node, "motion_model", "mm_sd_v15_v2.ckpt")
    pad = page.tab.locator(".adk-camera-pad")
    pad.hover()
    grey = pad.locator('[aria-disabled="true"]')
    assert grey.count() == 7
    grey.first.click(force=True)
    assert page.value(node, "motion_lora") == "none"
    pad.locator('[data-move="zoom in"]').click()
    assert page.value(node, "motion_lora") == "v2_lora_ZoomIn.ckpt"
    pad.locator('[data-move="zoom in"]').click()
    assert page.value(node, "motion_lora") == "none", "a second click takes it out"
    assert page.tab.locator(".adk-camera-stage").count()
    page.clear()
    page.settle()
    assert not page.tab.locator(".adk-camera-stage").count(), "it goes with its node"
