"""Each old id has a help page, which says what does its work now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from animatediff_kit.motion_models.folders import register_folders
from animatediff_kit.nodes import NODES
from animatediff_kit.nodes.evolved import OLD_NODES
from animatediff_kit.nodes.evolved.help_pages import HEIRS, help_page, names_of

DOCS = Path(__file__).resolve().parents[3] / "web" / "docs"
register_folders()
NAMES = names_of(NODES)


def test_every_old_id_has_its_line() -> None:
    assert set(HEIRS) == set(OLD_NODES)


@pytest.mark.parametrize("old", OLD_NODES)
def test_the_page_is_the_table_s(old: str) -> None:
    text = help_page(old, OLD_NODES[old].title, NAMES)
    stands = (DOCS / f"{old}.md").read_text(encoding="utf-8")
    assert stands == text, "run `python benchmarks/old_help_pages.py`"
    assert not re.search(r"[{}]", text), "it names a node that this pack has not"
