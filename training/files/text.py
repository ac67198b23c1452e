"""Reading text files that people and other programs have written.

The mark at a file's start (its BOM) tells UTF-8, UTF-16 and UTF-32; without one a text is UTF-8.
Anything else is refused, since a guess turns letters into others without a word.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

MARKS = (  # UTF-32's little mark begins with UTF-16's, so it comes first
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
    (codecs.BOM_UTF8, "UTF-8-sig"),
)
LONGEST_LINE = 1_000_000
"""Characters of a line, so that a file without any end of line fills no memory."""
SAVE = 'Save it as UTF-8 (in Notepad: "Save as", encoding UTF-8).'


def read_text(path: Path, name: str) -> str:
    """All of a text file, without its mark, with every line's end as "\\n".

    Raises ValueError that calls the file `name` when it is no text in the encoding that its mark
    tells, and OSError.
    """
    return "".join(read_lines(path, name, newline=None))


def read_lines(path: Path, name: str, newline: str | None = "") -> Iterator[str]:
    """A text file's lines, one at a time, with their ends. newline: as in `open`.

    Raises what `read_text` raises.
    """
    encoding = encoding_of(path)
    with open(path, encoding=encoding, newline=newline) as file:
        try:
            while line := file.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE and not line.endswith("\n"):
                    raise ValueError(
                        f"{name} has a line of {LONGEST_LINE:,} characters or more, which is no "
                        "text that people write. Choose another file."
                    )
                if "\0" in line:
                    raise ValueError(
                        f"{name} holds a NUL character, so it is no text in {spoken(encoding)}; "
                        f"perhaps it is UTF-16 without a mark at its start. {SAVE}"
                    )
                yield line
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{name} is no text in {spoken(encoding)} ({fault(error)}). {SAVE}"
            ) from error


def encoding_of(path: Path) -> str:
    with open(path, "rb") as file:
        start = file.read(4)
    return next((name for mark, name in MARKS if start.startswith(mark)), "UTF-8")


def spoken(encoding: str) -> str:
    return encoding.removesuffix("-sig")


def fault(error: UnicodeDecodeError) -> str:
    wrong = " ".join(f"0x{byte:02x}" for byte in error.object[error.start : error.end][:4])
    return f"{wrong}: {error.reason}"
