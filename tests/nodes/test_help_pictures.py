"""Every help page of this pack's nodes shows an animation; those of the old ids need none."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from adk_tests.support.languages import SCRIPTS
from animatediff_kit.benchmarks.help_drawing.table import SCENES
from animatediff_kit.motion_models.folders import register_folders
from animatediff_kit.nodes import NODES
from animatediff_kit.nodes.evolved import OLD_NODES
from animatediff_kit.nodes.languages import LANGUAGES
from PIL import Image, ImageSequence

DOCS = Path(__file__).resolve().parents[2] / "web" / "docs"
PICTURES = DOCS / "pictures"
FILES = sorted(PICTURES.iterdir())
register_folders()
NODE_IDS = [node.define_schema().node_id for node in NODES]

SHOWN = re.compile(r"!\[(?P<told>[^\]]+)\]\(pictures/(?P<name>\w+)\.webp\)\n\*(?P<caption>.+)\*")
LARGEST, ALL_OF_THEM = 60_000, 2_500_000  # bytes
NARROWEST, WIDEST = 192, 264  # pixels, for the side panel


def texts(node: str) -> dict[str, str]:
    files = {"en": DOCS / f"{node}.md"}
    files |= {language: DOCS / node / f"{language}.md" for language in LANGUAGES}
    return {language: file.read_text(encoding="utf-8") for language, file in files.items()}


def shown(text: str) -> re.Match[str]:
    """What stands behind the title and the first paragraph."""
    found = SHOWN.fullmatch(text.split("\n\n")[2])
    assert found, text[:300]
    return found


@pytest.mark.parametrize("node", NODE_IDS)
def test_every_page_shows_one_picture_and_says_what_is_seen(node: str) -> None:
    """A screen reader reads what others read below the picture."""
    names = set()
    for language, text in texts(node).items():
        found = shown(text)
        assert found["told"] == found["caption"]
        assert language == "en" or re.search(SCRIPTS[language], found["told"])
        assert text.count("](pictures/") == 1
        names.add(found["name"])
    (name,) = names
    assert (PICTURES / f"{name}.webp").is_file()


def test_none_is_left_over_and_all_can_be_drawn_anew() -> None:
    pages = {shown(texts(node)["en"])["name"] for node in NODE_IDS}
    assert pages == {file.stem for file in FILES} == set(SCENES)
    assert all(file.suffix == ".webp" for file in FILES)


@pytest.mark.parametrize("old", OLD_NODES)
def test_a_page_of_an_old_id_names_its_heir_and_shows_nothing(old: str) -> None:
    assert "![" not in (DOCS / f"{old}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_moves_and_fits_the_side_panel(file: Path) -> None:
    assert file.stat().st_size <= LARGEST
    with Image.open(file) as animation:
        assert NARROWEST <= animation.width <= WIDEST
        assert animation.info["loop"] == 0  # for ever
        pages = [np.asarray(page.convert("RGB")) for page in ImageSequence.Iterator(animation)]
    assert len(pages) >= 4
    for one, other in zip(pages, pages[1:], strict=False):
        assert np.abs(one.astype(float) - other).max() > 16


def test_all_together_they_are_small() -> None:
    assert sum(file.stat().st_size for file in FILES) <= ALL_OF_THEM
