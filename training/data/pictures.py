"""Pictures of files that Pillow reads, as they are to be shown: upright, in sRGB, opaque."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..files.names import in_unicode
from .clips import UnreadableClip
from .colour_profiles import to_srgb
from .containers import reason
from .display import Picture, Reduce, Turn, as_it_is, on_white

ORIENTATION = 0x0112

TURNS = {
    2: Turn(left_right=True),
    3: Turn(left_right=True, top_bottom=True),
    4: Turn(top_bottom=True),
    5: Turn(swapped=True),
    6: Turn(swapped=True, left_right=True),
    7: Turn(swapped=True, left_right=True, top_bottom=True),
    8: Turn(swapped=True, top_bottom=True),
}
"""EXIF's orientations (CIPA DC-008, 4.6.4)"""

TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")
"""Pillow's modes with an alpha."""


def read_images(paths: Sequence[Path], name: str, reduce: Reduce = as_it_is) -> Iterator[Picture]:
    """The images of a sequence, one at a time, each divided by what `reduce` says. Raises
    UnreadableClip for damage and for differing sizes."""
    first: tuple[int, int] | None = None
    for path in paths:
        called = f"{name}/{in_unicode(path.name)}"
        with opened_picture(path, called) as image:
            check_single(image, called)
            size = shown_size(image)
            first = first or size
            if size != first:
                raise UnreadableClip(
                    f"{called} is {size[0]} x {size[1]}, but the sequence begins at {first[0]} x "
                    f"{first[1]}."
                )
            picture = as_shown(image, called, reduce)
        yield picture


@contextmanager
def opened_picture(path: Path, name: str) -> Iterator[Any]:
    """What fails inside is an UnreadableClip."""
    with raised_as_unreadable(name), Image.open(path) as image:
        yield image


@contextmanager
def raised_as_unreadable(name: str) -> Iterator[None]:
    try:
        yield
    except UnreadableClip:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableClip(f"{name} cannot be decoded ({reason(error)}).") from error


def check_single(image: Any, name: str) -> None:
    if image.format == "TIFF" and getattr(image, "n_frames", 1) > 1:
        raise UnreadableClip(
            f"{name} holds {image.n_frames} pages; save each as a file of its own."
        )


def shown_size(image: Any) -> tuple[int, int]:
    """(width, height) of the upright picture."""
    turn, (width, height) = turn_of_exif(image), image.size
    return (height, width) if turn.swapped else (width, height)


def turn_of_exif(image: Any) -> Turn:
    if image.format == "TIFF":
        image.load()  # Pillow turns these by itself, and then says so
    return TURNS.get(image.getexif().get(ORIENTATION, 1), Turn())


def as_shown(image: Any, name: str, reduce: Reduce) -> Picture:
    """The picture of an opened file, or the frame that it stands at. Raises UnreadableClip, and
    whatever Pillow raises."""
    turn, (width, height) = turn_of_exif(image), shown_size(image)
    factor, stored = reduce(height, width), image.width
    if factor > 1:  # of a JPEG, a half, a quarter or an eighth is decoded
        image.draft(None, (image.width // factor, image.height // factor))
    profile = image.info.get("icc_profile")
    small = smaller(eight_bits(image, name), max(1, factor * image.width // stored))
    colours = np.array(to_srgb(small, profile, name))
    if small.mode == "RGBA":
        colours = on_white(colours, np.array(small.getchannel("A")))
    return turn(colours)


def eight_bits(image: Any, name: str) -> Any:
    """The picture with 8 bits a colour and, where something is transparent, as RGBA."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        values = np.array(image).astype(np.uint16)
        return Image.fromarray((values // 257 + (values % 257 > 128)).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise UnreadableClip(
            f"{name} holds {'whole' if image.mode == 'I' else 'fractional'} numbers of 32 bits, of "
            "which nothing tells what is white; save it with 8 or 16 bits a colour."
        )
    if image.mode in TRANSPARENT or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert({"1": "L", "P": "RGB"}.get(image.mode, image.mode))


def smaller(image: Any, factor: int) -> Any:
    """Every `factor` x `factor` pixels as their mean, by how opaque they are."""
    if factor == 1:
        return image
    if image.mode == "RGBA":
        return image.convert("RGBa").reduce(factor).convert("RGBA")
    return image.reduce(factor)
