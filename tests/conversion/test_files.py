"""Workflows out of files as ComfyUI writes them, and sentences for those that it did not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from animatediff_kit.conversion import ConversionError
from animatediff_kit.conversion.files import check_target, read, write
from PIL import Image
from PIL.PngImagePlugin import PngInfo

PAGE: dict[str, Any] = {"nodes": [{"id": 1, "type": "Note", "title": "Übung 雪"}], "links": []}
PROMPT: dict[str, Any] = {"1": {"class_type": "KSampler", "inputs": {"text": "Übung 雪"}}}


def picture() -> Image.Image:
    return Image.new("RGB", (8, 8), (200, 30, 30))


def png(path: Path) -> None:
    info = PngInfo()
    info.add_text("prompt", json.dumps(PROMPT))
    info.add_text("workflow", json.dumps(PAGE))
    picture().save(path, pnginfo=info)


def png_of_other_hands(path: Path) -> None:
    """Unicode as it is, and compressed."""
    info = PngInfo()
    info.add_itxt("prompt", json.dumps(PROMPT, ensure_ascii=False))
    info.add_text("workflow", json.dumps(PAGE), zip=True)
    picture().save(path, pnginfo=info)


def animated_png(path: Path) -> None:
    info = PngInfo()
    for name, held in (("prompt", PROMPT), ("workflow", PAGE)):
        data = name.encode("latin-1") + b"\0" + json.dumps(held).encode("latin-1")
        info.add(b"comf", data, after_idat=True)
    picture().save(path, pnginfo=info, save_all=True, append_images=[picture()])


def webp(path: Path) -> None:
    exif = picture().getexif()
    exif[0x0110] = f"prompt:{json.dumps(PROMPT)}"
    exif[0x010F] = f"workflow:{json.dumps(PAGE)}"
    picture().save(path, save_all=True, append_images=[Image.new("RGB", (8, 8))], exif=exif)


def encode(path: Path, tags: dict[str, str], **options: Any) -> None:
    with av.open(str(path), "w", **options) as container:
        container.metadata.update(tags)
        stream: Any = container.add_stream("h264", rate=Fraction(8))
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for level in range(2):
            pixels = numpy.full((32, 32, 3), 100 * level, dtype=numpy.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def mp4(path: Path) -> None:
    """As Save Video does."""
    tags = {"prompt": json.dumps(PROMPT), "workflow": json.dumps(PAGE)}
    encode(path, tags, options={"movflags": "use_metadata_tags"})


def mp4_of_vhs(path: Path) -> None:
    """As Video Combine does."""
    comment = {"prompt": json.dumps(PROMPT), "workflow": json.dumps(PAGE)}
    encode(path, {"comment": json.dumps(comment)})


def plain(path: Path) -> None:
    path.write_text(json.dumps(PAGE), encoding="utf-8-sig")


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.png": png,
    "itxt.png": png_of_other_hands,
    "animated.png": animated_png,
    "a.webp": webp,
    "a.mp4": mp4,
    "vhs.mp4": mp4_of_vhs,
    "a.json": plain,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_of_comfyui_gives_its_workflow(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    assert read(tmp_path / name) == PAGE
    if not name.endswith("json"):
        assert read(tmp_path / name, prefer_prompt=True) == PROMPT


def test_a_picture_with_the_prompt_alone_gives_that(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("prompt", '{"1": {"class_type": "A", "is_changed": [NaN]}}')
    picture().save(tmp_path / "a.png", pnginfo=info)
    assert read(tmp_path / "a.png") == {"1": {"class_type": "A", "is_changed": [None]}}


def cut(make: Callable[[Path], None], share: float) -> Callable[[Path], None]:
    def write_part(path: Path) -> None:
        make(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return write_part


BAD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "nothing.json": (lambda path: None, "cannot be read: No such file"),
    "words.json": (lambda path: path.write_text("hello"), "is not JSON .*give a workflow as JSON"),
    "deep.json": (lambda path: path.write_text("[" * 100_000), "is nested too deeply|is not JSON"),
    "a.bin": (
        lambda path: path.write_bytes(b"\xff\xfe\x00"),
        "neither text nor a file that is known",
    ),
    "plain.png": (lambda path: picture().save(path), "carries no workflow"),
    "plain.webp": (lambda path: picture().save(path), "carries no workflow"),
    "plain.mp4": (lambda path: encode(path, {}), "carries no workflow"),
    "cut.png": (cut(png, 0.6), "is damaged: the PNG ends inside its chunk"),
    "cut.webp": (cut(webp, 0.7), "is damaged: the WebP ends inside its chunk"),
    "cut.mp4": (cut(mp4, 0.9), "is damaged: its box .* reaches beyond"),
}


@pytest.mark.parametrize("name", BAD)
def test_another_file_is_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    make, sentence = BAD[name]
    make(tmp_path / name)
    with pytest.raises(ConversionError, match=sentence):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.mp4", "vhs.mp4"])
def test_no_damage_of_a_file_is_more_than_a_sentence(tmp_path: Path, name: str) -> None:
    """Each eighth byte turned over, one by one."""
    WRITERS[name](tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    for at in range(0, min(len(whole), 4000), 8):
        (tmp_path / name).write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read(tmp_path / name)
        except ConversionError as error:
            assert str(tmp_path / name) in str(error)


def test_what_is_written_is_whole_readable_and_alone_in_its_folder(tmp_path: Path) -> None:
    write(PAGE, tmp_path / "new.json")
    assert read(tmp_path / "new.json") == PAGE
    assert os.listdir(tmp_path) == ["new.json"]
    assert (tmp_path / "new.json").stat().st_mode & 0o444 == 0o444


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    write(PAGE, tmp_path / "new.json")
    with pytest.raises(TypeError):
        write({"a": object()}, tmp_path / "new.json")
    assert read(tmp_path / "new.json") == PAGE and os.listdir(tmp_path) == ["new.json"]


def test_targets_that_would_lose_a_file_are_refused(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    write(PAGE, old)
    check_target(old, new, False)
    write(PAGE, new)
    check_target(old, new, True)
    same = tmp_path / "same.json"
    os.link(old, same)
    for target, force, sentence in (
        (new, False, "is there already; name another file, or add --force"),
        (old, True, "is the old workflow itself"),
        (same, True, "is the old workflow itself"),
        (tmp_path, True, "is a folder"),
        (tmp_path / "none" / "new.json", False, "is not there; make it"),
    ):
        with pytest.raises(ConversionError, match=sentence):
            check_target(old, target, force)
