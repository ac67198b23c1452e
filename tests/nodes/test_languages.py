"""The texts of the nodes in every language: none missing, none left over, none still English."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.motion_models.folders import register_folders
from animatediff_kit.nodes import NODES
from animatediff_kit.nodes.languages import LANGUAGES, category_texts, flat, node_texts

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "web" / "docs"
SCRIPTS = {"zh": "[\u4e00-\u9fff]", "zh-TW": "[\u4e00-\u9fff]"}
SCRIPTS |= {"ja": "[\u3040-\u30ff\u4e00-\u9fff]", "ko": "[\uac00-\ud7af]"}
register_folders()
NODE_IDS = [node.define_schema().node_id for node in NODES]


def locale(language: str, name: str) -> Any:
    path = ROOT / "locales" / language / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_english_is_what_the_nodes_say() -> None:
    """benchmarks/english.py writes it anew."""
    assert locale("en", "nodeDefs") == node_texts(NODES)
    assert locale("en", "main") == {"nodeCategories": category_texts(NODES)}


@pytest.mark.parametrize("name", ["nodeDefs", "main"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing_and_none_left_over(language: str, name: str) -> None:
    theirs, ours = flat(locale(language, name)), flat(locale("en", name))
    assert sorted(theirs) == sorted(ours)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_in_its_language(language: str) -> None:
    """Names of inputs and outputs may be words that the field does not translate (VAE, CLIP)."""
    for key, text in flat(locale(language, "nodeDefs")).items():
        if not key.endswith(".name"):
            assert re.search(SCRIPTS[language], text), (key, text)
        assert text.strip() == text and text, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_type_stands_in_every_name_that_has_it(language: str) -> None:
    for key, text in flat(locale(language, "nodeDefs")).items():
        if key.endswith(".display_name"):
            english = flat(locale("en", "nodeDefs"))[key]
            assert re.findall(r"\(\w+\)", text) == re.findall(r"\(\w+\)", english), (key, text)


def headings(page: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", page, re.M)]


def quoted(page: str) -> set[str]:
    """What stands between backquotes, one or several on either side."""
    return {found[1] for found in re.findall(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", page, re.S)}


INPUT = re.compile(r"^- \*\*(\w+)\*\* ", re.M)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("node", NODE_IDS)
def test_the_help_page_says_the_same(node: str, language: str) -> None:
    """As far as a program can tell: title, sections, inputs, and what stands in backquotes."""
    english = (DOCS / f"{node}.md").read_text(encoding="utf-8")
    page = (DOCS / node / f"{language}.md").read_text(encoding="utf-8")
    title = locale(language, "nodeDefs")[node]["display_name"]
    assert page.splitlines()[0] == f"# {title}"
    assert headings(page) == headings(english)
    assert INPUT.findall(page) == INPUT.findall(english)
    assert quoted(page) == quoted(english)
    for line in page.splitlines():
        assert not line.startswith("- ") or re.search(SCRIPTS[language], line), line


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_is_left_over(language: str) -> None:
    assert {path.parent.name for path in DOCS.glob(f"*/{language}.md")} == set(NODE_IDS)
