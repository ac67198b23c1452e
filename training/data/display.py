"""How a video's stored pictures are to be shown: turned, mirrored, with square pixels.

The display matrix is MP4's (ISO/IEC 14496-12, 6.2.2), as libavutil/display.h hands it out:

    [a b u]
    [c d v]      x' = a x + c y + tx,   y' = b x + d y + ty,   y downwards
    [tx ty w]
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from av.sidedata.sidedata import Type

from .clips import UnreadableClip

Picture = np.ndarray
"""h w 3, uint8"""

Reduce = Callable[[int, int], int]
"""(height, width) of a picture -> the whole number that both are divided by."""


def as_it_is(height: int, width: int) -> int:
    return 1


WIDEST = 8
"""Pixels whose sides differ more than this are a damaged header's."""

TRANSFERS = {16: "PQ", 18: "HLG"}
"""ITU-T H.273, table 3: transfer characteristics of HDR videos."""


@dataclass(frozen=True)
class Turn:
    """One of the eight ways to lay a picture: first rows become columns, then it is mirrored."""

    swapped: bool = False
    left_right: bool = False
    top_bottom: bool = False

    def __call__(self, picture: Picture) -> Picture:
        turned = picture.swapaxes(0, 1) if self.swapped else picture
        rows, columns = -1 if self.top_bottom else 1, -1 if self.left_right else 1
        return np.ascontiguousarray(turned[::rows, ::columns])


def turn_of(frame: Any) -> Turn:
    """The way that comes nearest to the frame's display matrix; as it is stored without one."""
    data = frame.side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return Turn()
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data)[:36])
    swapped = abs(b) + abs(c) > abs(a) + abs(d)
    x, y = (c, b) if swapped else (a, d)
    return Turn(swapped, x < 0, y < 0)


def square_size(height: int, width: int, aspect: Fraction | None, name: str) -> tuple[int, int]:
    """(height, width) in square pixels; the longer side of a pixel grows, so nothing is lost.

    aspect: a pixel's width by its height. Raises UnreadableClip for one that cannot be meant.
    """
    if not aspect or aspect == 1:
        return height, width
    if not Fraction(1, WIDEST) <= aspect <= WIDEST:
        raise UnreadableClip(
            f"{name} has pixels of {aspect.numerator} x {aspect.denominator}; its header is wrong."
        )
    if aspect > 1:
        return height, round(width * aspect)
    return round(height / aspect), width


def upright(frame: Any, aspect: Fraction | None, name: str, reduce: Reduce) -> Picture:
    """A decoded frame as it is to be shown. Raises UnreadableClip."""
    turn = turn_of(frame)
    height, width = square_size(frame.height, frame.width, aspect, name)
    factor = reduce(*((width, height) if turn.swapped else (height, width)))
    return turn(pixels(frame, height // factor, width // factor))


def pixels(frame: Any, height: int, width: int) -> Picture:
    """A frame's colours at this size. What is transparent lies on white, as in a GIF."""
    scaled: dict[str, Any] = {}
    if (height, width) != (frame.height, frame.width):
        smaller = height < frame.height
        way = "AREA" if smaller else "BICUBIC"
        scaled = {"height": height, "width": width, "interpolation": way}
    colours = frame.to_ndarray(format="rgb24", **scaled)
    if not any(component.is_alpha for component in frame.format.components):
        return colours
    return on_white(colours, frame.to_ndarray(format="rgba", **scaled)[..., 3])


def on_white(colours: Picture, alpha: np.ndarray) -> Picture:
    """colours: h w 3.   alpha: h w, uint8. Opaque pictures come back as they are."""
    if alpha.min(initial=255) == 255:
        return colours
    share = alpha[..., None].astype(np.uint16)
    mixed = colours * share + 255 * (255 - share)
    return ((mixed + 127) // 255).astype(np.uint8)
