"""What a shard says of itself: a record of each thing in it, and checksums.

A shard that says something else was damaged, or is of other hands, and none of it is used.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..files.fingerprints import update

RECORDS = "animatediff_kit_records"
CHECKSUMS = "animatediff_kit_checksums"
"""Entries of a shard's metadata. The second has a CRC-32 of the first, and those of each tensor,
which find any single flipped bit."""

Checksums = NDArray[np.uint32]
"""Of a tensor: one for each frame of latents, which can be read alone; one for any other."""

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


def parts_of(tensor: Tensor) -> list[Tensor]:
    """What has a checksum of its own.   latents: f c h w"""
    return list(tensor) if tensor.ndim == 4 else [tensor]


def checksums(tensor: Tensor) -> Checksums:
    return np.array([checksum(part) for part in parts_of(tensor)], dtype=np.uint32)


def metadata_of(records: list[Any], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    written = json.dumps(records)
    sums = {
        "records": zlib.crc32(written.encode()),
        "tensors": {key: checksums(tensor).tolist() for key, tensor in tensors.items()},
    }
    return {RECORDS: written, CHECKSUMS: json.dumps(sums)}


def read_metadata(
    metadata: Mapping[str, str], names: Collection[str], is_record: IsRecord
) -> tuple[list[Any], dict[str, Checksums]]:
    """A shard's records, and the checksums of its tensors, which are called `names`. Raises
    ValueError where they are not what `metadata_of` writes."""
    try:
        written, sums = metadata[RECORDS], json.loads(metadata[CHECKSUMS])
        records, tensors = json.loads(written), dict(sums["tensors"])
        whole = sums["records"] == zlib.crc32(written.encode()) and tensors.keys() == set(names)
        found = {key: np.array(sums, dtype=np.uint32).reshape(-1) for key, sums in tensors.items()}
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError("no metadata of a shard") from error
    if not whole or not all(is_record(record, names) for record in records):
        raise ValueError("other records than its checksums")
    return records, found


def anything_goes(record: Any, names: Collection[str]) -> bool:
    return True


def is_clip(record: Any, names: Collection[str]) -> bool:
    """Of a clip that was encoded, or left out."""
    if not isinstance(record, dict) or not isinstance(record.get("key"), str):
        return False
    return isinstance(record.get("skipped"), str) or latents_key(record["key"]) in names


def is_text(record: Any, names: Collection[str]) -> bool:
    """Of a caption that was encoded, by which text encoder."""
    if not isinstance(record, dict):
        return False
    caption, clip = record.get("caption"), record.get("clip")
    if not isinstance(caption, str) or not isinstance(clip, str):
        return False
    keys = (text_key(caption, clip, "embedding"), weighed_text_key(caption, clip, "embedding"))
    return any(key in names for key in keys)


def latents_key(key: str) -> str:
    """key: of a clip, as cache_identity.py makes it."""
    return f"latents.{key}"


def text_key(caption: str, clip: str, part: str) -> str:
    """clip: the text encoder's digest;   part: embedding or pooled."""
    marked = caption if literal(caption) == caption else f"literal\0{caption}"
    return weighed_text_key(marked, clip, part)


def weighed_text_key(caption: str, clip: str, part: str) -> str:
    """Of a caption that was encoded as a prompt, with weights for what stands in parentheses; it is
    not used any more where it has some."""
    content = f"{clip}\0{caption}".encode()
    return f"{hashlib.sha256(content).hexdigest()[:32]}.{part}"


def literal(caption: str) -> str:
    """The prompt whose tokens are the caption's own: parentheses give no weight, and no textual
    inversion is read.

    ComfyUI's tokenizers take "\\(" as a parenthesis; a space before the colon parts what CLIP's
    tokenizer parts in any case.
    """
    return re.sub(r"([()])", r"\\\1", caption).replace("embedding:", "embedding :")
