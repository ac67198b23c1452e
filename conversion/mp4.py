"""The tags of an MP4 file (ISO/IEC 14496-12): those that ComfyUI writes by name, and the comment in
which VideoHelperSuite keeps both formats."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

HOLDERS = (b"moov", b"udta", b"trak")
COMMENT = b"\xa9cmt"


def tags_of_mp4(content: bytes) -> dict[str, str]:
    """Raises ValueError for a box that does not fit into its file."""
    tags: dict[str, str] = {}
    for meta in metas(content):
        tags.update(tags_of_meta(meta))
    comment = tags.pop("comment", None)
    return {**of_comment(comment), **tags} if comment else tags


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        head = 8
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack(">Q", data[at + 8 : at + 16])
            head = 16
        size = size or len(data) - at
        if size < head or at + size > len(data):
            raise ValueError(f"its box {kind.decode('latin-1')} reaches beyond the file's end")
        yield kind, data[at + head : at + size]
        at += size


def metas(data: bytes) -> Iterator[bytes]:
    for kind, body in boxes(data):
        if kind in HOLDERS:
            yield from metas(body)
        elif kind == b"meta":
            # in MP4 a version stands first, in QuickTime not
            yield body if body[4:8] == b"hdlr" else body[4:]


def tags_of_meta(meta: bytes) -> Iterator[tuple[str, str]]:
    found = dict(boxes(meta))
    names = list(keys_of(found.get(b"keys", b"")))
    for kind, body in boxes(found.get(b"ilst", b"")):
        text = b"".join(part[8:] for inner, part in boxes(body) if inner == b"data")
        (number,) = struct.unpack(">I", kind)
        if kind == COMMENT:
            yield "comment", text.decode("utf-8", "replace")
        elif 1 <= number <= len(names):
            yield names[number - 1], text.decode("utf-8", "replace")


def keys_of(keys: bytes) -> Iterator[str]:
    """The names of the tags, which `ilst` counts from 1."""
    for _, name in boxes(keys[8:]):
        yield name.decode("utf-8", "replace")


def of_comment(comment: str) -> dict[str, str]:
    """The two formats in VideoHelperSuite's comment, which may be JSON inside JSON."""
    try:
        held = json.loads(comment)
    except ValueError:
        return {}
    if not isinstance(held, dict):
        return {}
    texts = {"workflow": held.get("workflow"), "prompt": held.get("prompt")}
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in texts.items()
        if value
    }
