"""What a row may be called, and what its files are called, so that none is another row's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path

PLAIN = re.compile(r"(?![.\s])[^\x00-\x1f\ud800-\udfff\\/:*?\"<>|]{1,100}(?<![.\s])")
"""Characters that every file system takes."""

MOST_BYTES = 220
"""Of a name in UTF-8: file systems take 255, and a number, a kind and `.partial` come behind it."""

DEVICES = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])", re.I
)
"""What stands for a device on Windows, with any ending."""


def fault_of(name: object) -> str:
    """What forbids a name of files, as the rest of a sentence; empty where nothing does."""
    if not isinstance(name, str) or not PLAIN.fullmatch(name):
        return (
            'a name of files holds no / \\ : * ? " < > | and no half of a surrogate pair, at most '
            "100 characters, and begins and ends without dot or space."
        )
    if (size := len(name.encode())) > MOST_BYTES:
        return f"it has {size} bytes in UTF-8, and {MOST_BYTES} is the most; shorten it."
    if DEVICES.fullmatch(stem := name.partition(".")[0].rstrip()):
        return f"{stem} is a device on Windows; choose another name."
    return ""


def folded(name: str) -> str:
    """The same for names that one file system or another takes for one."""
    return unicodedata.normalize("NFC", name.lower())


def file_names(
    name: str, files: Sequence[str], rows: Collection[str], taken: Collection[str]
) -> list[str]:
    """NAME.webp; the second of a kind is NAME_2.webp, or has the next number that is free.

    files: their names on the server. rows: folded names of the other rows, which keep their own.
    taken: folded names of files that are not this row's.
    """
    made: list[str] = []
    for kind in (Path(file).suffix.lower() for file in files):
        used = {*taken, *map(folded, made)}
        stems = (name if number == 1 else f"{name}_{number}" for number in count(1))
        free = (s for s in stems if folded(s) not in rows and folded(s + kind) not in used)
        made.append(next(free) + kind)
    return made
