"""Writing files that appear under their name whole or not at all.

A file in the making lies beside its place under a name that nothing else has, so several processes
may write into one folder. What a killed one left there, the next one removes.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import psutil
from safetensors.torch import save_file
from torch import Tensor

MARK = re.compile(
    r"\.(?P<machine>[0-9a-f]{8})-(?P<process>\d+)(?:-(?P<own>[0-9a-f]{8}))?\.(?:part|making)$"
)
"""How a name ends in the making: which machine and which process makes it, and what no other name
has. The last is missing in what earlier versions left."""

MADE_HERE: set[str] = set()
"""The last parts of the names that this process makes now. A process that was killed may have had
the number of this one: in containers numbers repeat."""


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file that appears at `path` whole or not at all, also when the process is
    killed, the machine loses power or the disk is full.

    It is written beside its place, flushed to the disk, renamed, and the renaming flushed too.
    Whatever `write` raises is raised on, and nothing is left behind.
    """
    with made_beside(path, write) as beside:
        os.replace(beside, path)
    flush_folder(path.parent)


def write_new(paths: Iterable[Path], write: Callable[[Path], object]) -> Path:
    """The same at the first of some paths of one folder that nothing lies at. -> that path

    To look and to take the name is one act, so of two processes each gets a name of its own.
    """
    candidates = iter(paths)
    first = next(candidates)
    with made_beside(first, write) as beside:
        path = next(path for path in chain([first], candidates) if took(beside, path))
    flush_folder(path.parent)
    return path


def write_if_none(path: Path, write: Callable[[Path], object]) -> None:
    """The same, where nothing lies at `path` in the end; what lies there stays as it is."""
    with made_beside(path, write) as beside:
        took(beside, path)
    flush_folder(path.parent)


@contextmanager
def made_beside(path: Path, write: Callable[[Path], object]) -> Iterator[Path]:
    """A finished and flushed file beside `path`, which is removed in the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with in_the_making(path, "part") as beside:
        beside.touch()
        mode = beside.stat().st_mode  # what the user's umask gives; some writers give less
        write(beside)
        os.chmod(beside, mode)
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        yield beside


def took(beside: Path, path: Path) -> bool:
    """Whether the file now bears the name `path`; not where something bears it already."""
    try:
        if os.name == "nt":
            os.rename(beside, path)  # which replaces nothing there
        else:
            os.link(beside, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links: the name is taken first, then the file put there
        return replaced(beside, path)
    return True


def replaced(beside: Path, path: Path) -> bool:
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    try:
        os.replace(beside, path)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return True


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """A safetensors file, whole or not at all."""
    with tensor_file(path, tensors, metadata) as made:
        write_atomic(path, lambda beside: os.replace(made, beside))


def save_new_tensors(
    paths: Iterable[Path], tensors: dict[str, Tensor], metadata: dict[str, str]
) -> Path:
    """The same at the first of some paths of one folder that nothing lies at. -> that path"""
    candidates = iter(paths)
    first = next(candidates)
    with tensor_file(first, tensors, metadata) as made:
        return write_new(chain([first], candidates), lambda beside: os.replace(made, beside))


@contextmanager
def tensor_file(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> Iterator[Path]:
    """A safetensors file in a folder beside `path`: safetensors makes a file of its own on the way,
    under a random name. The folder is removed in the end."""
    with in_the_making(path, "making") as workplace:
        workplace.mkdir(parents=True)
        made = workplace / path.name
        save_file(tensors, made, metadata)
        yield made


@contextmanager
def in_the_making(path: Path, kind: str) -> Iterator[Path]:
    """A free name beside `path`; what lies there is removed in the end, as is what others left."""
    remove_left(path.parent, f".{path.name}.")
    own = secrets.token_hex(4)
    beside = path.with_name(f".{path.name}.{this_machine()}-{os.getpid()}-{own}.{kind}")
    MADE_HERE.add(own)
    try:
        yield beside
    finally:
        remove(beside)
        MADE_HERE.discard(own)


def this_machine() -> str:
    """A short mark of this computer: another that shares the folder has processes of its own."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def remove_left(folder: Path, start: str) -> None:
    """Remove what processes of this computer that are no more left in the making, of files whose
    names in the making begin with `start`. What another process makes stays."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        mark = MARK.search(entry.name) if entry.name.startswith(start) else None
        if mark and mark["machine"] == this_machine() and is_over(mark):
            remove(entry)


def is_over(mark: re.Match[str]) -> bool:
    process = int(mark["process"])
    return (
        mark["own"] not in MADE_HERE if process == os.getpid() else not psutil.pid_exists(process)
    )


def remove(left: Path) -> None:
    """A file or a folder, if it is there."""
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
