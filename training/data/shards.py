"""Tensors on disk in safetensors files of about 64 MB, appended to and read one by one.

A shard's metadata holds one JSON record for each thing that was added (records.py), so a folder of
shards needs no other index. Shards are written whole or not at all, and never again.
"""

from __future__ import annotations

import errno
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from filelock import FileLock
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from ..files.atomic import write_atomic
from ..files.locks import lock_folder
from .records import Checksums, IsRecord, anything_goes, checksums, metadata_of
from .shard_index import Place, read_index, size_of

log = logging.getLogger(__name__)

SHARD_BYTES = 64 * 2**20

SHARD_SECONDS = 120.0
"""After so long a shard is written though it is small: what a killed process can lose."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
OPEN_FILES = 64
"""Of a reader, which are kept open: an operating system gives a process 256 at least."""


class WriteError(ValueError):
    """A file could not be written; the text says why and what holds."""


def write_file(path: Path, content: bytes) -> None:
    """Raises WriteError, naming the folder, when the disk is full or refuses."""
    with named_errors(path.parent):
        write_atomic(path, lambda beside: beside.write_bytes(content))


@contextmanager
def named_errors(folder: Path) -> Iterator[None]:
    """What the system says inside becomes a WriteError that names the folder."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise WriteError(f"No room is left in {folder}.") from error
        reason = error.strerror or str(error)
        raise WriteError(f"{folder} cannot be written ({reason}).") from error


def shard_files(folder: Path, kind: str) -> list[Path]:
    """The finished shards of a kind, in their order."""
    if not folder.is_dir():
        return []
    name = re.compile(rf"{kind}-(\d+)\.safetensors")
    return sorted(p for p in folder.iterdir() if name.fullmatch(p.name) and p.is_file())


class ShardWriter:
    """Adds shards of a kind to a folder. What is left over is written when its block ends, also by
    an error or an interruption; only a full disk loses it.

    From what is added first to the block's end the folder is locked: another writer would give its
    shards the same numbers. is_locked: the caller has locked it.
    """

    def __init__(
        self, folder: Path, kind: str, size: int = SHARD_BYTES, is_locked: bool = False
    ) -> None:
        self.folder, self.kind, self.size, self.is_locked = folder, kind, size, is_locked
        self.lock: FileLock | None = None
        self.number: int | None = None
        self._begin()

    def _begin(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.records: list[Any] = []
        self.bytes, self.since = 0, time.monotonic()

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.flush()
            elif not issubclass(kind, WriteError):
                self._flush_if_it_can_be()
        finally:
            if self.lock is not None:
                self.lock.release()

    def _flush_if_it_can_be(self) -> None:
        """After an error, which is not to be hidden by another."""
        try:
            self.flush()
        except WriteError as failed:
            log.warning("%s", failed)

    def _enter(self) -> None:
        """Count the shards that are there once nobody else can add any."""
        if not self.is_locked:
            with named_errors(self.folder):
                self.lock = lock_folder(self.folder)
        files = shard_files(self.folder, self.kind)
        self.number = int(files[-1].stem.rpartition("-")[2]) + 1 if files else 0

    def add(self, record: Any, tensors: dict[str, Tensor]) -> None:
        """Raises FolderInUse where another process adds shards, and WriteError when a shard is due
        and cannot be written; it is dropped then, and the shards before it stay."""
        if self.number is None:
            self._enter()
        self.records.append(record)
        for key, tensor in tensors.items():
            self.tensors[key] = tensor.detach().cpu().contiguous()
            self.bytes += tensor.numel() * tensor.element_size()
        if self.bytes >= self.size or time.monotonic() - self.since >= SHARD_SECONDS:
            self.flush()

    def flush(self) -> None:
        if not self.records or self.number is None:
            return
        content = save(self.tensors, metadata_of(self.records, self.tensors))
        self._begin()
        write_file(self.folder / f"{self.kind}-{self.number:05d}.safetensors", content)
        self.number += 1


class ShardReader:
    """The tensors of a folder's shards; only their names, shapes and places are in memory. Several
    threads may read.

    is_record: whether something is a record of a shard of this kind. Raises ValueError that names a
    shard which is damaged or gone, be it by one bit of a tensor, as soon as that tensor is read.
    """

    def __init__(self, folder: Path, kind: str, is_record: IsRecord = anything_goes) -> None:
        self.files = shard_files(folder, kind)
        self.places: dict[str, Place] = {}
        self.records: list[Any] = []
        self._opened: OrderedDict[int, FileIO] = OrderedDict()
        self._lock = threading.Lock()
        for number, path in enumerate(self.files):
            try:
                records, places = read_index(path, number, is_record)
            except (OSError, SafetensorError, ValueError) as error:
                raise damaged(path) from error
            self.records += records
            self.places.update(places)

    def __contains__(self, key: str) -> bool:
        return key in self.places

    def shape(self, key: str) -> tuple[int, ...]:
        return self.places[key].shape

    def get(self, key: str) -> Tensor:
        """A tensor as float32, fit for autograd also where it is read in inference mode."""
        place = self.places[key]
        return self._read(place, place.offset, place.shape, place.checksums)

    def frame(self, key: str, number: int) -> Tensor:
        """One frame of latents, read alone.   -> 1 c h w, float32"""
        place = self.places[key]
        if len(place.shape) != 4 or not 0 <= number < place.shape[0]:
            raise IndexError(number)
        offset = place.offset + number * size_of(place.shape[1:], place.dtype)
        part = place.checksums[number : number + 1]
        return self._read(place, offset, (1, *place.shape[1:]), part)

    def _read(self, place: Place, offset: int, shape: tuple[int, ...], sums: Checksums) -> Tensor:
        size = size_of(shape, place.dtype)
        with self._lock, torch.inference_mode(False):
            content = self._bytes(place.shard, offset, size)
            tensor = torch.frombuffer(content, dtype=place.dtype).reshape(shape)
            found = checksums(tensor)
            if len(found) != len(sums) or (found != sums).any():
                raise damaged(self.files[place.shard])
            return tensor.float()

    def _bytes(self, number: int, offset: int, size: int) -> bytearray:
        try:
            file, content = self._open(number), bytearray(size)
            file.seek(offset)
            read = file.readinto(content)
        except OSError as error:
            raise damaged(self.files[number]) from error
        if read < size:
            raise damaged(self.files[number])
        return content

    def _open(self, number: int) -> FileIO:
        if number in self._opened:
            self._opened.move_to_end(number)
            return self._opened[number]
        file = self._opened[number] = open(self.files[number], "rb", buffering=0)
        if len(self._opened) > OPEN_FILES:
            self._opened.popitem(last=False)[1].close()
        return file


def damaged(path: Path) -> ValueError:
    return ValueError(
        f"{path} is damaged or gone. Delete it if it is there, and encode the clips again into the "
        "same folder: only what it held is encoded anew."
    )
