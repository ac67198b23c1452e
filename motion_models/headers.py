"""What a weights file says of itself, looked at before anything of it is read into memory."""

from __future__ import annotations

import json
import os
import zipfile
from typing import Any

MOST_DIMS = 8
"""Of a tensor; weights have four or five, and torch takes minutes over a hundred thousand."""

MOST_HEADER = 32 * 2**20
"""Bytes of a safetensors header. That of a model with 10,000 tensors has a million and a half."""

MOST_GROWTH = 4
"""Times a file's size that it may take unpacked. torch packs nothing, and trained weights shrink by
a tenth or so."""


def check_header(path: str, name: str) -> None:
    """Raise ValueError for a file whose reading would fill memory, or take minutes. What is damaged
    otherwise passes: the reader tells."""
    if path.lower().endswith((".safetensors", ".sft")):
        check_shapes(path, name)
    else:
        check_growth(path, name)


def check_shapes(path: str, name: str) -> None:
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if MOST_HEADER < length <= os.path.getsize(path):
            raise ValueError(
                f"{name} has a header of {length:,} bytes, and {MOST_HEADER:,} are the most. Get "
                "the weights from their author."
            )
        written = file.read(min(length, MOST_HEADER))
    for key, dims in dims_of(written):
        if dims > MOST_DIMS:
            raise ValueError(
                f"{name} holds a tensor of {dims:,} dimensions, {key[:80]!r}, and weights have "
                f"{MOST_DIMS} at most. Get them from their author."
            )


def dims_of(header: bytes) -> list[tuple[str, int]]:
    """How many dimensions each tensor has; nothing of a header that is none."""
    try:
        entries: Any = json.loads(header)
        return [(key, len(entry["shape"])) for key, entry in entries.items() if "shape" in entry]
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return []


def check_growth(path: str, name: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return
    size = os.path.getsize(path)
    if unpacked > MOST_GROWTH * size:
        raise ValueError(
            f"{name} has {size:,} bytes and would take {unpacked:,} unpacked, more than "
            f"{MOST_GROWTH} times as much, which no trained weights do. Get them as .safetensors, "
            "or from their author."
        )
