"""What a shard says of itself: a record of each thing in it, and checksums.

A shard that says something else was damaged, or is of other hands, and none of it is used.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import Tensor

from ..files.fingerprints import update

RECORDS = "animatediff_kit_records"
CHECKSUMS = "animatediff_kit_checksums"
"""Entries of a shard's metadata. The second has a CRC-32 of the first, and one of each tensor,
which finds any single flipped bit."""

IsRecord = Callable[[Any, Collection[str]], bool]
"""Whether something is a record of a shard that holds tensors of these names."""


class Crc:
    """zlib's CRC-32 with the face of hashlib's digests."""

    def __init__(self) -> None:
        self.value = 0

    def update(self, content: Any) -> None:
        self.value = zlib.crc32(content, self.value)


def checksum(tensor: Tensor) -> int:
    """Of a tensor's type, shape and numbers."""
    crc = Crc()
    update(crc, tensor)
    return crc.value


def metadata_of(records: list[Any], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    written = json.dumps(records)
    sums = {
        "records": zlib.crc32(written.encode()),
        "tensors": {key: checksum(tensor) for key, tensor in tensors.items()},
    }
    return {RECORDS: written, CHECKSUMS: json.dumps(sums)}


def read_metadata(
    metadata: Mapping[str, str], names: Collection[str], is_record: IsRecord
) -> tuple[list[Any], dict[str, int]]:
    """A shard's records, and the checksums of its tensors, which are called `names`. Raises
    ValueError where they are not what `metadata_of` writes."""
    try:
        written, sums = metadata[RECORDS], json.loads(metadata[CHECKSUMS])
        records, tensors = json.loads(written), dict(sums["tensors"])
        whole = sums["records"] == zlib.crc32(written.encode()) and tensors.keys() == set(names)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError("no metadata of a shard") from error
    if not whole or not all(is_record(record, names) for record in records):
        raise ValueError("other records than its checksums")
    return records, tensors


def anything_goes(record: Any, names: Collection[str]) -> bool:
    return True


def is_clip(record: Any, names: Collection[str]) -> bool:
    """Of a clip that was encoded, or left out."""
    if not isinstance(record, dict) or type(record.get("clip")) is not int:
        return False
    if isinstance(record.get("skipped"), str):
        return True
    told = isinstance(record.get("name"), str) and isinstance(record.get("caption"), str)
    return told and latents_key(record["clip"]) in names


def is_text(record: Any, names: Collection[str]) -> bool:
    """Of a caption that was encoded."""
    if not isinstance(record, dict) or not isinstance(record.get("caption"), str):
        return False
    return text_key(record["caption"], "embedding") in names


def latents_key(clip: int) -> str:
    return f"latents.{clip}"


def text_key(caption: str, part: str) -> str:
    """part: embedding or pooled."""
    return f"{hashlib.sha256(caption.encode()).hexdigest()[:32]}.{part}"
