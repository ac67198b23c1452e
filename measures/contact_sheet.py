"""Pages of clips: first, middle and last frame of each, with a few lines below."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from unicodedata import east_asian_width

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional

from .caption_font import drawable

THUMB, GAP, LINE = 80, 4, 14
"""Pixels: of a thumbnail's side, between things, of a line of text."""

COLUMNS, ROWS, LINES = 5, 8, 3
CELL = 3 * THUMB + 2 * GAP, THUMB + LINES * LINE + 2 * GAP
PAGE = COLUMNS * (CELL[0] + 2 * GAP), ROWS * (CELL[1] + 2 * GAP)
LETTERS = 40
"""That fit into a line."""

PAPER, INK, MARK = (24, 24, 27), (228, 228, 231), (248, 113, 113)


@dataclass(frozen=True)
class Cell:
    """thumbs: 3 h w 3, uint8; fewer for a clip of fewer frames.   marked: its last line is why"""

    thumbs: np.ndarray
    lines: tuple[str, ...]
    marked: bool = False


def thumbs_of(frames: Tensor) -> np.ndarray:
    """The first, the middle and the last frame, small.   f h w 3 -> 3 h w 3, uint8"""
    chosen = list(dict.fromkeys((0, len(frames) // 2, len(frames) - 1)))
    height, width = frames.shape[1:3]
    scale = THUMB / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    small = functional.interpolate(
        torch.stack([frames[i] for i in chosen]).float().movedim(-1, 1),
        size,
        mode="bilinear",
        antialias=True,
    )
    return (small.clamp(0, 1) * 255).round().byte().movedim(1, -1).cpu().numpy()


def pages(cells: Sequence[Cell]) -> Tensor:
    """-> b h w 3 in 0..1, each with up to COLUMNS x ROWS clips; one empty page for none"""
    each = COLUMNS * ROWS
    drawn = [page(cells[start : start + each]) for start in range(0, max(1, len(cells)), each)]
    return torch.from_numpy(np.stack(drawn)).float() / 255


def page(cells: Sequence[Cell]) -> np.ndarray:
    """-> h w 3, uint8"""
    sheet = Image.new("RGB", PAGE, PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, cell in enumerate(cells):
        row, column = divmod(number, COLUMNS)
        x, y = column * (CELL[0] + 2 * GAP) + GAP, row * (CELL[1] + 2 * GAP) + GAP
        for place, thumb in enumerate(cell.thumbs):
            sheet.paste(Image.fromarray(thumb), (x + place * (THUMB + GAP), y))
        for place, line in enumerate(cell.lines[:LINES]):
            is_reason = cell.marked and place == len(cell.lines[:LINES]) - 1
            at = x, y + THUMB + GAP + place * LINE
            text, font = drawable(shortened(line))
            pen.text(at, shortened(text), MARK if is_reason else INK, font)
        if cell.marked:
            corner = x + CELL[0] + 1, y + CELL[1] + 1
            pen.rectangle((x - 2, y - 2, *corner), outline=MARK, width=2)
    return np.array(sheet)


def shortened(line: str) -> str:
    """At most LETTERS wide; a letter of Chinese, Japanese or Korean is as wide as two."""
    ends = list(accumulate(2 if east_asian_width(letter) in "WF" else 1 for letter in line))
    if not ends or ends[-1] <= LETTERS:
        return line
    return f"{line[: bisect_right(ends, LETTERS - 3)]}..."
