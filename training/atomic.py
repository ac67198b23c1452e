"""Writing files that appear under their name whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file that appears at `path` whole or not at all, also when the process
    is killed, the machine loses power or the disk is full. Whatever `write` raises is raised on.

    It is made in a folder beside, as safetensors makes files of its own on the way; what a killed
    process left in there is removed by the next.
    """
    workplace = path.with_name(f".{path.name}.part")
    shutil.rmtree(workplace, ignore_errors=True)
    workplace.mkdir(parents=True)
    beside = workplace / path.name
    try:
        beside.touch()
        mode = beside.stat().st_mode  # what the user's umask gives; some writers give less
        write(beside)
        os.chmod(beside, mode)
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a renaming in the folder last; Windows, which opens no folders, does so by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
