"""Texts that people write into nodes: what no prompt, no caption and no path can hold is refused.

A lone half of a surrogate pair, which JSON can spell, belongs to no character. ComfyUI's log cannot
write it, and a message that holds it ends the thread that runs workflows. So each text is checked
before anything else is said of it, and a message quotes it with its escapes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..training.files.paths import expanded

MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
"""Marks of the direction of writing, which Windows' Properties copies before a path."""

HALVES = re.compile(r"[\ud800-\udfff]")
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Unicode's categories Cs and Cc."""

LONGEST_TEXT = 20_000
"""Characters of a text: some 5,000 tokens, where CLIP reads 77 at a time."""

LONGEST = 255
"""Bytes of a file's or a folder's name; all common file systems have this bound."""


def check_text(name: str, text: Any) -> str:
    """The text of the input called `name`. Raises ValueError where it is none, holds half a
    character, or is longer than LONGEST_TEXT."""
    if not isinstance(text, str):
        raise ValueError(f"{name} is {text!r}, which is no text. Write one, or leave it empty.")
    if len(text) > LONGEST_TEXT:
        raise ValueError(
            f"{name} has {len(text):,} characters, and {LONGEST_TEXT:,} are the most. Shorten it."
        )
    refuse(name, text, HALVES, "half a character")
    return text


def written_path(name: str, text: Any, root: str) -> Path:
    """A path as people write it, quotes and ~/ included; a relative one begins in `root`.

    Raises ValueError for one that no system can have: characters that cannot be seen, a
    name that is too long.
    """
    written = unquoted(check_text(name, text))
    refuse(name, written, CONTROLS, "a character that no path has")
    try:
        path = Path(root) / expanded(written)
        longest = max(map(length, path.parts))
        if longest > LONGEST:
            raise ValueError(f"a part of it has {longest} bytes, and {LONGEST} are the most")
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise ValueError(
            f"{name} {shortened(written)} cannot be used as a path: {reason}. Write another."
        ) from error
    return path


def unquoted(written: str) -> str:
    """A path without the marks and quotes that file managers and terminals copy round it."""
    written = written.strip().strip(MARKS)
    quote = written[:1]
    if len(written) > 1 and quote in ('"', "'") and written.endswith(quote):
        written = written[1:-1]
    return written.strip().strip('"').strip()


def length(part: str) -> int:
    """As the file system counts: NTFS in UTF-16's units, others in bytes."""
    return len(part.encode("utf-16-le")) // 2 if os.name == "nt" else len(os.fsencode(part))


def refuse(name: str, text: str, pattern: re.Pattern[str], what: str) -> None:
    """Raise ValueError for the first character that the pattern finds, saying where it is."""
    if found := pattern.search(text):
        raise ValueError(
            f"{name} {shortened(text)} holds {what}, {found[0]!r}, as its character "
            f"{found.start() + 1}. Remove it."
        )


def check_choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """One of the choices of the input called `name`. ComfyUI 0.3.75 checks none of a prompt that
    came as JSON. Raises ValueError for another, of whatever type."""
    known = list(choices)
    if value not in known:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(known)}.")
    return value


def shortened(text: str) -> str:
    """Quoted, and cut where it would fill a page."""
    return repr(text) if len(text) <= 80 else f"{text[:77]!r}..."
