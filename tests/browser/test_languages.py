"""The page in other languages shows no English of the pack's: names, inputs, panels, help."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adk_tests.support.page import Page
from animatediff_kit.nodes.languages import LANGUAGES, flat

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = {"zh": "[\u4e00-\u9fff]", "zh-TW": "[\u4e00-\u9fff]"}
SCRIPTS |= {"ja": "[\u3040-\u30ff\u4e00-\u9fff]", "ko": "[\uac00-\ud7af]"}
SHOWN = ("ADK_Animate", "ADK_PromptTravel", "ADK_Strength", "ADK_ContextWindows")
LABELS = """id => {
    const node = app.graph.getNodeById(id);
    const slots = [...node.inputs.filter(i => !i.widget), ...node.outputs];
    const named = slots.map(s => s.label ?? s.localized_name ?? s.name);
    const widgets = node.widgets.map(w => [w.name, w.label ?? w.name]);
    return { title: node.title, slots: named, widgets };
}"""


def texts_of(language: str) -> dict[str, Any]:
    path = ROOT / "locales" / language / "nodeDefs.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest, page: Page) -> Iterator[str]:
    """The page in a language, and in English again behind it."""
    page.speak(request.param)
    yield request.param
    page.speak("en")


def test_nodes_panels_and_help_speak_it(page: Page, language: str) -> None:
    texts = texts_of(language)
    for place, kind in enumerate(SHOWN):
        node = page.add(kind, (60 + 420 * place, 120))
        seen, own = page.run(LABELS, node), texts[kind]
        assert seen["title"] == own["display_name"]
        names = {name: entry["name"] for name, entry in own["inputs"].items()}
        assert {shown for _, shown in seen["widgets"]} & set(names.values())
        for name, shown in seen["widgets"]:
            assert shown == names.get(name, shown), name
        assert set(seen["slots"]) <= {text for key, text in flat(own).items() if key[-4:] == "name"}
    page.settle(6)
    page.picture(f"language_{language}")
    for panel in page.tab.locator("[data-panel]").all():
        words = re.sub(r"[^\w]+", " ", panel.inner_text()).strip()
        assert not words or re.search(SCRIPTS[language], words), words
    page.select(page.add("ADK_ContextWindows", (300, 250)))
    page.tab.get_by_test_id("info-button").first.click()
    content = page.tab.locator(".node-help-content").first
    content.get_by_role("listitem").first.wait_for(timeout=20_000)
    assert re.search(SCRIPTS[language], content.get_by_role("heading").nth(1).inner_text())
