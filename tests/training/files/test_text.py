"""A text is read as what it is, or refused; never with letters that were not written."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

import pytest
from animatediff_kit.training.files.text import LONGEST_LINE, read_lines, read_text

TEXT = "a café at night – “open” 夜 🌙\nsecond line\n"

MARKED = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.mark.parametrize("encoding", MARKED)
def test_a_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(MARKED[encoding] + TEXT.encode(encoding))
    assert read_text(path, "a.txt") == TEXT
    assert list(read_lines(path, "a.txt")) == TEXT.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TEXT[:20].encode("cp1252"), "a.txt is no text in UTF-8 (0xe9: invalid continuation byte)"),
        ("夜の街".encode("gbk"), "a.txt is no text in UTF-8 (0x"),
        ("夜の街".encode("shift-jis"), "a.txt is no text in UTF-8 (0x"),
        (codecs.BOM_UTF16_LE + b"a\0b", "a.txt is no text in UTF-16 (0x62: truncated data)"),
        (codecs.BOM_UTF16_LE + b"\0\xd8a\0", "a.txt is no text in UTF-16 (0x00 0xd8: illegal"),
        (codecs.BOM_UTF32_LE + b"\xff\xff\xff\xff", "a.txt is no text in UTF-32 (0xff"),
        ("a cat".encode("utf-16-le"), "a.txt holds a NUL character, so it is no text in UTF-8"),
        (codecs.BOM_UTF16_LE + b"a\0\0\0", "a.txt holds a NUL character, so it is no text in UTF"),
        (b"x" * 100_000 + b"\xe9", "a.txt is no text in UTF-8 (0xe9"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{re.escape(said)}.* Save it as UTF-8 "):
        read_text(path, "a.txt")


def test_ends_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\r\ntwo\rthree\n")
    assert read_text(path, "a.txt") == "one\ntwo\nthree\n"
    assert "".join(read_lines(path, "a.txt")) == "one\r\ntwo\rthree\n"


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "a.txt", "a.txt")


def test_a_file_without_any_end_of_line_fills_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x" * (LONGEST_LINE - 1) + "\n")
    assert len(read_text(path, "a.csv")) == LONGEST_LINE
    path.write_text("x" * LONGEST_LINE)
    with pytest.raises(
        ValueError, match="^a.csv has a line of 1,000,000 characters or more, which "
    ):
        read_text(path, "a.csv")
