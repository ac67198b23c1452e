"""Which files of a folder or a CSV become clips, and what is said when none do."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any

import comfy.model_management as memory
import pytest
from adk_tests.support.videos import write_images
from animatediff_kit.training.data.captions import captions_of
from animatediff_kit.training.data.kinds import IMAGES, VIDEOS
from animatediff_kit.training.data.source_state import state_of
from animatediff_kit.training.data.sources import find_sources
from PIL import Image


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
    assert [(s.name, s.caption()) for s in found] == [
        ("a.webm", "a red car"),
        ("b.MP4", None),
        ("deep/er/c.gif", None),
        ("walk", "a walk"),
    ]
    assert found[2].caption_place == "deep/er/c.txt"


def test_kinds_that_are_not_read_are_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.mp4", "deep/b.HEIC", "c.svg", "d.heic", "notes.md", "e.txt", "Makefile"):
        empty(tmp_path / name)
    assert [s.name for s in find_sources(tmp_path)] == ["a.mp4"]
    assert [record.getMessage() for record in caplog.records] == [
        "3 files of kinds that are not read (.heic, .svg) are left out: c.svg, d.heic, deep/b.HEIC."
    ]


def test_every_kind_that_a_reader_knows_is_read_or_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Sounds, texts and subtitles apart: FFmpeg's and Pillow's own lists are the measure."""
    Image.init()
    pictures = {*Image.registered_extensions()} - {".pdf", ".h5", ".hdf", ".grib", ".bufr"}
    videos = {".mp4", ".mjpeg", ".h264", ".hevc", ".nut", ".avs2", ".vc1", ".yuv", ".ismv"}
    for kind in (*pictures, *videos):
        empty(tmp_path / f"file{kind}")
    for kind in (".mp3", ".flac", ".srt", ".vtt", ".nfo", ".json", ".csv", ".txt", ".py"):
        empty(tmp_path / f"other{kind}")
    (clip,) = {source.name for source in find_sources(tmp_path)} & {"file.mp4"}
    told = "\n".join(record.getMessage() for record in caplog.records)
    named = set(re.findall(r"\.[\w+]+", told.split("(")[1].split(")")[0]))
    assert clip and len(caplog.records) == 2
    assert {*pictures, *videos} <= {*named, *IMAGES, *VIDEOS}
    assert not named & {".mp3", ".flac", ".srt", ".vtt", ".nfo", ".json", ".csv", ".txt", ".py"}


def test_images_that_are_in_no_clip_are_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    empty(tmp_path / "set" / "a.mp4")
    for name in ("set/a.jpg", "set/b.jpg", "loose.png", "set/c.jpeg"):
        empty(tmp_path / name)
    write_images(tmp_path / "walk", 3)
    assert [s.name for s in find_sources(tmp_path)] == ["set/a.mp4", "walk"]
    assert [record.getMessage() for record in caplog.records] == [
        "4 images are left out, since they lie beside videos or not in a sub-folder: loose.png, "
        "set/a.jpg, set/b.jpg and 1 more. Put the images of a clip into a folder of its own."
    ]


@pytest.mark.parametrize("call", [find_sources, state_of])
def test_cancel_ends_the_walk_through_a_large_folder(tmp_path: Path, call: Any) -> None:
    """find_sources by ComfyUI's own exception; state_of, whose errors ComfyUI only logs, leaves it
    to the next node."""
    for i in range(200):
        empty(tmp_path / f"{i:03d}" / "a.mp4")
    looked: list[Path] = []

    def may_read(path: Path) -> None:
        looked.append(path)
        memory.interrupt_current_processing(True)

    try:
        if call is state_of:
            assert state_of(tmp_path, may_read) == "" and memory.processing_interrupted()
        else:
            with pytest.raises(memory.InterruptProcessingException):
                find_sources(tmp_path, may_read)
    finally:
        memory.interrupt_current_processing(False)
    assert looked == [tmp_path]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_no_picture(tmp_path: Path) -> None:
    write_images(tmp_path / "walk", 2)
    os.mkfifo(tmp_path / "walk" / "9.png")
    (source,) = find_sources(tmp_path)
    assert len(source.images()) == 2


def test_images_of_a_sequence_are_in_their_natural_order(tmp_path: Path) -> None:
    write_images(tmp_path / "walk", 12, "{}.png")
    (source,) = find_sources(tmp_path)
    assert [image.stem for image in source.images()] == [str(i) for i in range(12)]


def test_a_folder_without_clips_is_named(tmp_path: Path) -> None:
    empty(tmp_path / "notes.md")
    sentence = f"No clips lie in {tmp_path}: looked for .mp4, .webm, .gif, .mov, .mkv, .avi, .m4v,"
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
    assert [(s.name, s.caption()) for s in found] == [
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
    with pytest.raises(ValueError, match="^set.csv has no column name; .* 2 fields, must name"):
        find_sources(table(tmp_path, "videoid,caption\n1,a dog\n"))
    sentence = f"None of the 1 videos of set.csv is there; the first would be {tmp_path / '1.mp4'}."
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        find_sources(table(tmp_path, "videoid,name,page_dir\n1,a dog,\n"))
    with pytest.raises(ValueError, match="^set.csv has no column videoid; .* of 0 fields"):
        find_sources(table(tmp_path, ""))


def test_sidecars_of_other_programs(tmp_path: Path) -> None:
    """PowerShell's `>` writes UTF-16; what an old editor writes cannot be told and is refused."""
    empty(tmp_path / "a.mp4")
    sentence = "a café at night – “open”"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        (tmp_path / "a.txt").write_bytes(sentence.encode(encoding))
        assert find_sources(tmp_path)[0].caption() == sentence
    for encoding in ("cp1252", "utf-16-le", "gbk"):
        (tmp_path / "a.txt").write_bytes("a café 夜".encode(encoding, errors="ignore") + b"\xff\0")
        with pytest.raises(ValueError, match="^a.txt .* no text in UTF-8"):
            find_sources(tmp_path)[0].caption()


def test_a_caption_that_is_none(tmp_path: Path) -> None:
    empty(tmp_path / "a.mp4")
    empty(tmp_path / "a.txt", "x" * 100_001)
    with pytest.raises(
        ValueError, match="^a.txt has 100,001 bytes, and a caption 100,000 at most."
    ):
        find_sources(tmp_path)[0].caption()


def test_tables_of_other_programs(tmp_path: Path) -> None:
    empty(tmp_path / "a.mp4")
    written = "videoid,name\na,a café\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "set.csv").write_bytes(written.encode(encoding))
        assert find_sources(tmp_path / "set.csv")[0].caption() == "a café"
    (tmp_path / "set.csv").write_bytes(written.encode("cp1252"))
    with pytest.raises(ValueError, match="^set.csv is no text in UTF-8 .0xe9: .*Save it as UTF-8"):
        find_sources(tmp_path / "set.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("videoid,name\na,a red, shiny car\n", "set.csv, line 2, has 3 fields for 2 columns. Put"),
        ('videoid,name\na,"a dog\nb,a cat\n', "set.csv, line 3, is no row of a CSV (unexpected"),
        ('videoid,name\na,"a" dog\n', "set.csv, line 2, is no row of a CSV ('"),
        (f"videoid,name\na,{'x' * 200_000}\n", "set.csv, line 2, is no row of a CSV (field larger"),
        ("videoid,name\na,a d\0g\n", "set.csv holds a NUL character"),
    ],
)
def test_a_caption_that_would_be_cut_is_refused(tmp_path: Path, text: str, said: str) -> None:
    empty(tmp_path / "a.mp4")
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        find_sources(table(tmp_path, text))


def test_rows_that_name_no_video(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    empty(tmp_path / "a.mp4")
    found = find_sources(table(tmp_path, "videoid,name\na,a dog,,\n,a cat\n"))
    assert [s.caption() for s in found] == ["a dog"]
    assert [record.getMessage() for record in caplog.records] == [
        "1 rows of set.csv have no videoid and are left out; the first ends in line 3."
    ]


def test_a_videoid_that_is_too_long_for_a_name_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="^None of the 1 videos of set.csv is there; the first wo"):
        find_sources(table(tmp_path, f"videoid,name\n{'9' * 300},a dog\n"))


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
    assert (found.name, found.caption()) == (r"caf\xe9.mp4", "a cup")
    assert found.caption_place == r"caf\xe9.txt" and found.path.is_file()
    assert state_of(tmp_path) != before
    with pytest.raises(ValueError, match=r"^The name of caf\\xe9.mp4 is not written in UTF-8, so"):
        captions_of([found], "file name", "")
