"""A hash of what files hold: equal wherever they lie, whatever their dates are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

END = 65536
"""Bytes of a video's head and of its tail that its hash is made of: in a container the tables that
say where each frame lies, and pictures. Its size is in the hash, too: no frame is compressed anew
to just as many bytes."""

BLOCK = 1 << 20


def content_of(files: Iterable[Path], ends: int | None = None) -> str:
    """Of files in their order, each by its size and all its bytes.   ends: by so many of its head
    and of its tail alone"""
    digest = hashlib.sha256()
    for path in files:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            digest.update(f"{size}\0".encode())
            for start, length in parts_of(size, ends):
                file.seek(start)
                update(digest, file, length)
    return digest.hexdigest()[:32]


def parts_of(size: int, ends: int | None) -> list[tuple[int, int]]:
    """Where those bytes begin, and how many they are."""
    if ends is None or size <= 2 * ends:
        return [(0, size)]
    return [(0, ends), (size - ends, ends)]


def update(digest: Any, file: BinaryIO, length: int) -> None:
    while length > 0 and (content := file.read(min(BLOCK, length))):
        digest.update(content)
        length -= len(content)
