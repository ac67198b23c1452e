"""Writing files that appear under their name whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor


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
        beside.touch()
        mode = beside.stat().st_mode  # what the user's umask gives; some writers give less
        write(beside)
        os.chmod(beside, mode)
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    flush_folder(path.parent)


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """A safetensors file, whole or not at all.

    safetensors makes a file of its own on the way, under a random name; so it works in a folder
    beside, which the next writer of `path` removes where a killed one left it.
    """
    workplace = path.with_name(f".{path.name}.making")
    remove(workplace)
    workplace.mkdir(parents=True)
    made = workplace / path.name
    try:
        save_file(tensors, made, metadata)
        write_atomic(path, lambda beside: os.replace(made, beside))
    finally:
        remove(workplace)


def remove(left: Path) -> None:
    """What was left beside a file, if it is there."""
    if left.is_dir():
        shutil.rmtree(left, ignore_errors=True)
    else:
        left.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Make a renaming in the folder last. Windows opens no folders, and needs no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
