"""Where the tensors of a shard (shards.py) lie in its file, so that each can be read alone."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open

from .records import Checksums, IsRecord, read_metadata

DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32}


class Place(NamedTuple):
    """Where a tensor lies: in which shard, from which byte on."""

    shard: int
    offset: int
    shape: tuple[int, ...]
    dtype: torch.dtype
    checksums: Checksums


def size_of(shape: tuple[int, ...], dtype: torch.dtype) -> int:
    """In bytes."""
    return math.prod(shape) * dtype.itemsize


def read_index(path: Path, number: int, is_record: IsRecord) -> tuple[list[Any], dict[str, Place]]:
    """A shard's records and the places of its tensors. Raises OSError, SafetensorError and
    ValueError for a file that is none.

    safetensors checks the file; where a tensor begins, which it does not tell, is read from the
    header: 8 bytes with its length, then JSON.
    """
    with safe_open(str(path), "pt") as file:  # pyright: ignore
        records, sums = read_metadata(file.metadata() or {}, set(file.keys()), is_record)
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    places: dict[str, Place] = {}
    for key, found in sums.items():
        entry = header[key]
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"a tensor of type {entry['dtype']}")
        offset, shape = 8 + length + entry["data_offsets"][0], tuple(entry["shape"])
        places[key] = Place(number, offset, shape, DTYPES[entry["dtype"]], found)
    return records, places
