"""The texts that ComfyUI writes into PNG and WebP files.

PNG (ISO/IEC 15948): chunks tEXt, zTXt and iTXt, and in animated files `comf`, of ComfyUI's own.
WebP: a chunk EXIF, whose tags hold "name:text".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

ASCII_TYPE = 2
"""The TIFF type of a text."""


def texts_of_png(content: bytes) -> dict[str, str]:
    """Raises ValueError for a file that ends inside a chunk."""
    texts: dict[str, str] = {}
    for kind, data in png_chunks(content):
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"comf"):
            name, _, rest = data.partition(b"\0")
            texts[name.decode("latin-1")] = png_text(kind, rest)
    return texts


def png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        if at + 12 + size > len(content):
            raise ValueError(f"the PNG ends inside its chunk {kind.decode('latin-1')}")
        yield kind, content[at + 8 : at + 8 + size]
        at += 12 + size


def png_text(kind: bytes, rest: bytes) -> str:
    """The text behind the name and its null."""
    if kind == b"zTXt":
        return inflated(rest[1:]).decode("latin-1")
    if kind != b"iTXt":
        return rest.decode("utf-8" if kind == b"comf" else "latin-1")
    packed, (_, _, text) = rest[0], rest[2:].split(b"\0", 2)
    return (inflated(text) if packed else text).decode("utf-8")


def inflated(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error as error:
        raise ValueError(f"a compressed text cannot be read ({error})") from None


def texts_of_webp(content: bytes) -> dict[str, str]:
    """Raises ValueError for a file that ends inside a chunk, and for EXIF that is none."""
    at = 12
    while at + 8 <= len(content):
        kind, size = struct.unpack("<4sI", content[at : at + 8])
        if at + 8 + size > len(content):
            raise ValueError(f"the WebP ends inside its chunk {kind.decode('latin-1')}")
        if kind == b"EXIF":
            return texts_of_exif(content[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return {}


def texts_of_exif(exif: bytes) -> dict[str, str]:
    exif = exif.removeprefix(b"Exif\0\0")
    if exif[:2] not in (b"II", b"MM"):
        raise ValueError("its EXIF names no byte order")
    order = "<" if exif[:2] == b"II" else ">"
    try:
        values = list(texts_of_tiff(exif, order))
    except struct.error:
        raise ValueError("its EXIF ends too early") from None
    return dict(value.split(":", 1) for value in values if ":" in value)


def texts_of_tiff(exif: bytes, order: str) -> Iterator[str]:
    """The texts of the first directory."""
    (start,) = struct.unpack(f"{order}I", exif[4:8])
    (count,) = struct.unpack(f"{order}H", exif[start : start + 2])
    for at in range(start + 2, start + 2 + 12 * count, 12):
        _, kind, size, place = struct.unpack(f"{order}HHII", exif[at : at + 12])
        if kind == ASCII_TYPE and size > 4:
            yield exif[place : place + size].rstrip(b"\0").decode("utf-8")
