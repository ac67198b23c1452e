"""Where captions come from, and what a mirror makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from animatediff_kit.training.data.captions import captions_of, mirrored
from animatediff_kit.training.data.sources import Source


def source(name: str, caption: str | None = None) -> Source:
    return Source(Path("/clips") / name, name, caption, f"{name}.txt")


def test_from_sidecars() -> None:
    sources = [source("a.mp4", "a dog"), source("b.mp4", "a cat")]
    assert captions_of(sources, "sidecar", "unused") == ["a dog", "a cat"]


def test_from_file_names() -> None:
    sources = [source("deep/red_car-01.mp4"), source("a walk")]
    assert captions_of(sources, "file name", "") == ["red car 01", "a walk"]


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("a red ball v1.5", "a red ball v1.5"),
        ("a red ball v1.mp4", "a red ball v1.mp4"),
        ("a ball, 2 m. away", "a ball, 2 m. away"),
        (".hidden_ball", ".hidden ball"),
    ],
)
def test_of_a_folders_name_nothing_is_lost(name: str, caption: str, tmp_path: Path) -> None:
    """What stands behind its dot is no kind of file."""
    (tmp_path / name).mkdir()
    folder = Source(tmp_path / name, f"deep/{name}", None, f"{name}.txt")
    assert captions_of([folder], "file name", "") == [caption]


def test_one_for_all() -> None:
    sources = [source("a.mp4", "a dog"), source("b.mp4")]
    assert captions_of(sources, "fixed caption", " zoom in ") == ["zoom in", "zoom in"]


@pytest.mark.parametrize("empty", [None, ""])
def test_the_first_file_without_a_caption_is_named(empty: str | None) -> None:
    sources = [source("a.mp4", "a dog"), source("b.mp4", empty), source("c.mp4", empty)]
    with pytest.raises(
        ValueError,
        match="^b.mp4 has no caption: b.mp4.txt is missing or empty \\(2 of 3 clips lack theirs\\)."
        " Write what the clip shows there, or set captions to 'file name' or 'fixed caption'.$",
    ):
        captions_of(sources, "sidecar", "")


def test_a_fixed_caption_must_say_something() -> None:
    with pytest.raises(ValueError, match="^captions is 'fixed caption', but caption is empty."):
        captions_of([source("a.mp4")], "fixed caption", "  ")


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ValueError, match="^'guess' is no way to caption; choose one of sidecar, f"):
        captions_of([source("a.mp4", "a dog")], "guess", "")


@pytest.mark.parametrize(
    ("caption", "other"),
    [
        ("a dog runs to the left", "a dog runs to the right"),
        ("Left, then RIGHT", "Right, then LEFT"),
        ("leftmost, rightwards, a left-handed man", "rightmost, leftwards, a right-handed man"),
        ("it turns clockwise", "it turns anticlockwise"),
        ("Anticlockwise; counter-clockwise", "Clockwise; clockwise"),
        ("a bright cleft, brightly leftover", "a bright cleft, brightly leftover"),
    ],
)
def test_a_mirror_swaps_sides_and_turns(caption: str, other: str) -> None:
    assert mirrored(caption) == other
