"""Which files of a folder or a CSV become clips, and what is said when none do."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest
from adk_tests.support.videos import write_images
from animatediff_kit.training.data.captions import captions_of
from animatediff_kit.training.data.sources import find_sources, state_of


def empty(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def table(folder: Path, text: str) -> Path:
    return empty(folder / "set.csv", text)


def test_videos_and_sequences_below_a_folder(tmp_path: Path) -> None:
    for name in ("b.MP4", "a.webm", "deep/er/c.gif", ".hidden/d.mp4", "._e.mp4", "notes.md"):
        empty(tmp_path / name)
    empty(tmp_path / "a.txt", " a red\n car ")
    write_images(tmp_path / "walk", 3)
    empty(tmp_path / "walk.txt", "\ufeffa walk")
    empty(tmp_path / "deep/er/c.jpg", "a thumbnail, no sequence")
    found = find_sources(tmp_path)
    assert [(s.name, s.caption) for s in found] == [
        ("a.webm", "a red car"),
        ("b.MP4", None),
        ("deep/er/c.gif", None),
        ("walk", "a walk"),
    ]
    assert found[2].caption_place == "deep/er/c.txt"


def test_images_of_a_sequence_are_in_their_natural_order(tmp_path: Path) -> None:
    write_images(tmp_path / "walk", 12, "{}.png")
    (source,) = find_sources(tmp_path)
    assert [image.stem for image in source.images()] == [str(i) for i in range(12)]


def test_a_folder_without_clips_is_named(tmp_path: Path) -> None:
    empty(tmp_path / "notes.md")
    sentence = f"No clips lie in {tmp_path}: looked for .mp4, .webm, .gif, .mov, .mkv, .avi and for"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)} .*another source.$"):
        find_sources(tmp_path)
    write_images(tmp_path / "walk", 2)
    with pytest.raises(ValueError, match="The images of each clip belong in a sub-folder of it.$"):
        find_sources(tmp_path / "walk")
    for place in ("gone", "notes.md"):
        sentence = re.escape(f"{tmp_path / place} is no folder and no CSV file. Set source to")
        with pytest.raises(ValueError, match=f"^{sentence}"):
            find_sources(tmp_path / place)


def test_rows_of_webvids_columns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    empty(tmp_path / "11.mp4")
    empty(tmp_path / "b/12.mp4")
    text = (
        "videoid,duration,page_dir,name\n"
        '11,PT1S,a,"a red, shiny car"\n12,PT1S,b,a dog\n13,PT1S,b,a cat\n'
    )
    found = find_sources(table(tmp_path, text))
    assert [(s.name, s.caption) for s in found] == [
        ("11.mp4", "a red, shiny car"),
        ("b/12.mp4", "a dog"),
    ]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "1 of the 3 videos of set.csv are not there and are left out; the first is "
        f"{tmp_path / 'b/13.mp4'}."
    )


def test_a_csv_that_leads_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="^set.csv has no column name; .* gives videoid, caption."):
        find_sources(table(tmp_path, "videoid,caption\n1,a dog\n"))
    sentence = f"None of the 1 videos of set.csv is there; the first would be {tmp_path / '1.mp4'}."
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        find_sources(table(tmp_path, "videoid,name,page_dir\n1,a dog,\n"))
    with pytest.raises(ValueError, match="^set.csv has no column videoid; its first line gives"):
        find_sources(table(tmp_path, ""))


def test_any_change_of_a_source_is_seen(tmp_path: Path) -> None:
    video = empty(tmp_path / "videos" / "a.mp4")
    folder = tmp_path / "videos"
    states = [state_of(folder)]
    assert state_of(folder) == states[0]
    os.utime(video, (1, 1))
    states.append(state_of(folder))
    empty(folder / "a.txt")
    states.append(state_of(folder))
    rows = table(folder, "videoid,name\na,a dog\n")
    states += [state_of(folder), state_of(rows)]
    os.utime(video, (2, 2))
    states.append(state_of(rows))
    states.append(state_of(tmp_path / "gone"))
    assert len(set(states)) == len(states)


@pytest.mark.skipif(os.name == "nt", reason="Windows names are Unicode")
def test_names_that_are_no_utf8_are_spelled_out(tmp_path: Path) -> None:
    """A zip made on another system brings them; neither log nor cache can hold them."""
    before = state_of(tmp_path)
    empty(tmp_path / os.fsdecode(b"caf\xe9.mp4"))
    empty(tmp_path / os.fsdecode(b"caf\xe9.txt"), "a cup")
    (found,) = find_sources(tmp_path)
    assert (found.name, found.caption) == (r"caf\xe9.mp4", "a cup")
    assert found.caption_place == r"caf\xe9.txt" and found.path.is_file()
    assert state_of(tmp_path) != before
    with pytest.raises(ValueError, match=r"^The name of caf\\xe9.mp4 is not written in UTF-8, so"):
        captions_of([found], "file name", "")
