"""The training panel in the page, on a run that trains in the server and is ended early."""

from __future__ import annotations

from typing import Any

from adk_tests.integration.graphs import forget
from adk_tests.integration.test_training import TrainingScene
from adk_tests.support.page import Page
from animatediff_kit.launcher.server import Server

TAB = '[class*="animatediff-kit-training"]'
PLAYED = "() => document.querySelector('.adk-training figure img')?.naturalWidth"


def test_a_run_is_seen_after_a_reload_ended_and_resumed(page: Page, server: Server) -> None:
    forget(server)
    scene = TrainingScene()
    settings: dict[str, Any] = dict(steps=500, preview_every=2, held_out=0.5)
    scene.trained("ADK_TrainMotionLoRA", name="seen", **settings)
    page.run("graph => app.loadApiJson(graph, 'seen')", scene.prompt)
    page.settle()
    page.run("() => app.queuePrompt(0)")
    try:
        watched(page)
    except BaseException:
        server.client.interrupt()
        raise
    page.run("graph => app.loadApiJson(graph, 'seen')", scene.prompt)
    page.settle()
    page.tab.locator(".adk-training").get_by_role("button", name="Resume").first.click()
    page.settle()
    (resumed,) = [
        node for node in page.prompt().values() if node["class_type"] == "ADK_TrainMotionLoRA"
    ]
    assert resumed["inputs"]["resume"] == "seen_001"
    assert (server.base / "models/animatediff_motion_lora/seen.safetensors").is_file()
    page.picture("training_panel_kept")
    page.tab.locator(TAB).first.click()


def watched(page: Page) -> None:
    """Until the user has ended the run in the panel, which was there after a reload too."""
    panel = page.tab.locator(".adk-training")
    for look in ("at once", "after a reload"):
        if not panel.count():
            page.tab.locator(TAB).first.click()
        page.until(lambda: "seen_001" in panel.inner_text(), 120)
        page.until(lambda: panel.locator("figure").count(), 120)
        page.until(lambda: page.run(PLAYED))
        assert "step " in panel.inner_text() and " of 500 · running" in panel.inner_text(), look
        drawn = panel.locator('[data-part="line"]').get_attribute("d")
        assert drawn is not None and drawn.startswith("M"), look
        held = panel.locator('[data-chart="held_out"]')
        page.until(lambda held=held: held.count() and "strongest" in held.inner_text(), 120)
        path = held.locator("path").first
        page.until(lambda path=path: "L" in (path.get_attribute("d") or ""), 120)
        if look == "at once":
            page.picture("training_panel")
            page.tab.reload(wait_until="domcontentloaded")
            page.open()
    panel.get_by_role("button", name="Stop and keep").click()
    page.until(lambda: "stopped and kept" in panel.inner_text(), 120)
