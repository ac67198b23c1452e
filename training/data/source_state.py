"""What tells that a source has changed: names, sizes and dates of all that it reads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import comfy.model_management

from .sources import in_table
from .walk import MayRead, anything, walk


class Cancelled(Exception):
    """ComfyUI's Cancel, which is still to be answered."""


def note_cancel() -> None:
    """Raises Cancelled, and leaves it to ComfyUI to end the run."""
    if comfy.model_management.processing_interrupted():
        raise Cancelled


def state_of(source: Path, may_read: MayRead = anything) -> str:
    """A hash of the names, sizes and dates of all that a source reads, captions included; equal
    while nothing has changed. Empty after Cancel, which ComfyUI then answers before its next
    node."""
    may_read(source)
    digest = hashlib.sha256(os.fsencode(source))
    try:
        for file in files_of(source, may_read):
            note_cancel()
            digest.update(os.fsencode(file) + stamp_of(file))
    except Cancelled:
        return ""
    return digest.hexdigest()


def stamp_of(file: Path) -> bytes:
    """Its size and dates, the system's own too: images that exchange their names may have the same
    size and date of content (out of a zip they do)."""
    stat = file.stat()
    return f"\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}\n".encode()


def files_of(source: Path, may_read: MayRead) -> Iterator[Path]:
    """Every file that a source reads. Raises Cancelled."""
    if source.is_dir():
        yield from (path for path in walk(source, may_read, note_cancel) if path.is_file())
    elif source.is_file():
        yield source
        yield from (found.path for found in in_table(source, may_read, note_cancel))
