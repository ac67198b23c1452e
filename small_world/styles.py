"""How scenes are drawn: the world's own style, those of the two personalised models, and the
defect that the video set has and the image set lacks, as WebVid has its watermark (Guo et al.
2024, section 4.1)."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from .motions import SIDE
from .shapes import Array

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Style:
    """stroke: the outline's width in pixels, 0 for filled shapes;   neon: bright colours that glow
    on dark grounds"""

    stroke: float = 0.0
    neon: bool = False


STYLES = {"base": Style(), "outlined": Style(stroke=3.0), "neon": Style(neon=True)}

DARK = 0.16
GLOW = 5.0
"""Pixels over which neon's light falls to 1/e."""


def neon_thing(colour: Colour) -> Colour:
    """The same hue at full brightness, and a little pale as light is."""
    hue, _, _ = colorsys.rgb_to_hsv(*colour)
    return colorsys.hsv_to_rgb(hue, 0.75, 1.0)


def neon_ground(colour: Colour) -> Colour:
    """A dark ground that keeps a trace of its colour, and violet."""
    r, g, b = (DARK * part for part in colour)
    return (r + 0.05, g, b + 0.12)


MARK = (
    "  #   ##   #  #",
    " # #  # #  # # ",
    "#   # #  # ##  ",
    "##### #  # # # ",
    "#   # ###  #  #",
)
MARK_SCALE, MARK_OPACITY = 3, 0.5
MARK_TOP = 43
BLUR = 0.8
"""Standard deviation in pixels."""


def watermark() -> Array:
    """Where the mark of the video set covers a picture.   -> h w, 0 or 1"""
    letters = np.array([[cell == "#" for cell in row] for row in MARK], dtype=np.float32)
    mark = letters.repeat(MARK_SCALE, 0).repeat(MARK_SCALE, 1)
    covered = np.zeros((SIDE, SIDE), dtype=np.float32)
    height, width = mark.shape
    left = (SIDE - width) // 2
    covered[MARK_TOP : MARK_TOP + height, left : left + width] = mark
    return covered


def spoil(frames: Array) -> Array:
    """The video set's defect: blur, and the mark on top.   f h w 3 -> f h w 3"""
    offsets = np.arange(-3, 4)
    kernel = np.exp(-0.5 * (offsets / BLUR) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for axis in (1, 2):
        edges = [(3, 3) if a == axis else (0, 0) for a in range(4)]
        padded = np.pad(frames, edges, mode="edge")
        shifted = (np.take(padded, np.arange(i, i + SIDE), axis) for i in range(len(kernel)))
        frames = np.sum([k * part for k, part in zip(kernel, shifted, strict=True)], axis=0)
    opacity = MARK_OPACITY * watermark()[None, :, :, None]
    return frames * (1 - opacity) + opacity
