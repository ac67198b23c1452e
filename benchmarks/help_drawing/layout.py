"""Animations side by side and above each other, with labels that need no language.

An animation is f h w 3 in bytes; a shorter one beside a longer one begins again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .kept import Frames

GROUND, FAINT, TEXT = (24, 26, 30), (58, 62, 70), (214, 218, 224)
BLUE, ORANGE, GREEN = (76, 154, 255), (255, 159, 67), (85, 201, 141)
COLOURS = (BLUE, ORANGE, GREEN, (232, 106, 146))
GAP, LINE, TYPE = 4, 17, 13

Pen = ImageDraw.ImageDraw


def enlarged(frames: Frames, factor: int = 2) -> Frames:
    """Each pixel as a square: a blur would hide how sharp the small world is."""
    return frames.repeat(factor, axis=1).repeat(factor, axis=2)


def again(frames: Frames, count: int) -> Frames:
    """`count` frames; behind the last come the first again."""
    return frames[np.arange(count) % len(frames)]


def beside(parts: Sequence[Frames], gap: int = GAP) -> Frames:
    """From left to right, all centred."""
    count, height = (max(p.shape[axis] for p in parts) for axis in (0, 1))
    columns = [padded(again(part, count), height, part.shape[2]) for part in parts]
    between = blank(count, height, gap)
    return np.concatenate([one for c in columns for one in (c, between)][:-1], axis=2)


def above(parts: Sequence[Frames], gap: int = GAP) -> Frames:
    """From top to bottom."""
    return beside([part.swapaxes(1, 2) for part in parts], gap).swapaxes(1, 2)


def grid(parts: Sequence[Frames], columns: int = 2) -> Frames:
    rows = [parts[at : at + columns] for at in range(0, len(parts), columns)]
    return above([beside(row) for row in rows])


def blank(count: int, height: int, width: int) -> Frames:
    return np.broadcast_to(np.array(GROUND, np.uint8), (count, height, width, 3)).copy()


def padded(frames: Frames, height: int, width: int) -> Frames:
    """In the middle of a larger ground."""
    count, h, w, _ = frames.shape
    ground = blank(count, height, width)
    top, left = (height - h) // 2, (width - w) // 2
    ground[:, top : top + h, left : left + w] = frames
    return ground


def drawn(frames: Frames, draw: Callable[[Pen, int], None]) -> Frames:
    """What `draw` draws over each frame; it is given the frame's number."""
    pages = [Image.fromarray(frame) for frame in frames]
    for number, page in enumerate(pages):
        pen = ImageDraw.Draw(page)
        pen.font = ImageFont.load_default(TYPE)
        draw(pen, number)
    return np.stack([np.asarray(page) for page in pages])


def labelled(frames: Frames, text: str, colour: tuple[int, int, int] = TEXT) -> Frames:
    """With a line of text below: a number, a sign, an arrow."""
    return told(frames, lambda _: text, colour)


def told(frames: Frames, text: Callable[[int], str], colour: tuple[int, int, int] = TEXT) -> Frames:
    """The same with a text that changes with the frame."""
    count, _, width, _ = frames.shape
    below = drawn(
        blank(count, LINE, width),
        lambda pen, n: pen.text((width / 2, LINE / 2), text(n), fill=colour, anchor="mm"),
    )
    return above([frames, below], 0)


def framed(frames: Frames, colours: Sequence[tuple[int, int, int] | None]) -> Frames:
    """With an edge of a colour of its own round each frame, 3 pixels wide; None draws none."""
    _, h, w, _ = frames.shape

    def draw(pen: Pen, number: int) -> None:
        if (colour := colours[number]) is not None:
            pen.rectangle((0, 0, w - 1, h - 1), outline=colour, width=3)

    return drawn(frames, draw)


def shrunk(picture: np.ndarray, width: int) -> np.ndarray:
    """A picture of the pack's as wide as asked.   h w 3, bytes"""
    height = round(picture.shape[0] * width / picture.shape[1])
    small = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(small)


def margin(frames: Frames, by: int = GAP) -> Frames:
    _, h, w, _ = frames.shape
    return padded(frames, h + 2 * by, w + 2 * by)
