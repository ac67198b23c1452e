"""The pages for people agree with the tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from adk_tests.house.rooms import ARROWS, ROOT

PAGES = [
    Path(name)
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "docs/api.md",
        "docs/architecture.md",
        "docs/recipes.md",
        "docs/compatibility.md",
        "docs/costs.md",
        "docs/exactness.md",
        "docs/memory.md",
        "docs/old_workflows.md",
        "docs/scale.md",
    )
]
ROW = re.compile(r"^\| `([\w/]+)` \| [^|]+ \| ([^|]+) \|$", re.M)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
WRITTEN_PATH = re.compile(r"`((?:\w+/)+[\w.]*)`")


def text(page: Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def test_the_table_of_rooms_is_that_of_the_imports() -> None:
    rows = ROW.findall(text(Path("docs/architecture.md")))
    assert {room: set(re.findall(r"`([\w/]+)`", arrows)) for room, arrows in rows} == {
        room: set(arrows) for room, arrows in ARROWS.items()
    }
    assert len(rows) == len(ARROWS), "a room has two rows"


def test_the_picture_shows_every_room() -> None:
    _, picture, _ = text(Path("docs/architecture.md")).split("```", 2)
    assert [room for room in ARROWS if not re.search(rf"\b{room}\b", picture)] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    links = LINK.findall(text(page))
    assert [link for link in links if not (ROOT / page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_paths_that_a_page_names_exist(page: Path) -> None:
    """Those with a folder; a bare file name is one of the room that the text speaks of."""
    mine = [p for p in WRITTEN_PATH.findall(text(page)) if (ROOT / p.split("/")[0]).exists()]
    assert [path for path in mine if not (ROOT / path).exists()] == []


def test_every_file_of_docs_is_among_the_pages() -> None:
    found = {path.relative_to(ROOT) for path in (ROOT / "docs").glob("*.md")}
    assert found - set(PAGES) == {Path("docs/proof.md")}, "benchmarks/paper_claims.py writes that"
