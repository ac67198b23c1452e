"""Writing files that appear under their name whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file that appears at `path` whole or not at all, also when the process is
    killed, the machine loses power or the disk is full.

    It is written beside its place, flushed to the disk, renamed, and the renaming flushed too. The
    name beside is always the same, so what a killed process left is overwritten by the next.
    Whatever `write` raises is raised on, and nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    try:
        write(beside)
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make a renaming in the folder last. Windows opens no folders, and needs no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
