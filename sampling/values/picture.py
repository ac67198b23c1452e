"""What a value looks like: its curve over the frames, and maps of some frames where it differs by
pixel. Pillow alone draws it, which ComfyUI has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from .over_time import OverTime

WIDTH, HEIGHT = 768, 256
LEFT, TOP, RIGHT, BOTTOM = 56, 28, WIDTH - 12, HEIGHT - 24
STRIP, MAPS, GAP = 96, 7, 8
"""Height of the row of maps, how many it shows, and the pixels between them."""

FINER = 3
"""Lines are drawn so many times as large and then made smaller, which smooths their edges."""

BACKGROUND, GRID, TEXT = (24, 26, 30), (58, 62, 70), (200, 204, 210)
COLOURS = ((76, 154, 255), (255, 159, 67), (85, 201, 141))
PARTS = (0.0, 0.5, 1.0)
"""Parts of sampling that are drawn where the value changes with them."""


def draw_value(value: OverTime, frames: int) -> Tensor:
    """The value over so many frames, the mean of its pixels.   -> 1 h w 3 in 0..1"""
    parts = PARTS if value.by_step else PARTS[:1]
    curves = [value.over_frames(frames, part) for part in parts]
    names = [f"{part:.0%} of sampling" for part in parts] if value.by_step else []
    image = draw_curves(curves, names)
    if value.by_pixel:
        image = above(image, draw_maps(value, frames))
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255.0)[None]


def draw_curves(curves: Sequence[np.ndarray], names: Sequence[str] = ()) -> Image.Image:
    """Curves over frames in one frame of axes.   curves: each f"""
    low, high = (float(bound(np.stack(curves))) for bound in (np.min, np.max))
    low, high = (low, high) if high - low > 1e-6 * max(1.0, abs(high)) else (low - 0.5, high + 0.5)
    count = len(curves[0])
    fine = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), BACKGROUND)
    draw = ImageDraw.Draw(fine)
    for y in (TOP, (TOP + BOTTOM) / 2, BOTTOM):
        draw.line([(LEFT * FINER, y * FINER), (RIGHT * FINER, y * FINER)], fill=GRID, width=FINER)
    xs = np.linspace(LEFT, RIGHT, count) if count > 1 else np.array([LEFT, RIGHT])
    for curve, colour in zip(curves, COLOURS, strict=False):
        ys = BOTTOM - (np.broadcast_to(curve, xs.shape) - low) / (high - low) * (BOTTOM - TOP)
        points = [(x * FINER, y * FINER) for x, y in zip(xs, ys, strict=True)]
        draw.line(points, fill=colour, width=2 * FINER)
    image = fine.reduce(FINER)
    write_labels(ImageDraw.Draw(image), low, high, count, names)
    return image


def write_labels(
    draw: ImageDraw.ImageDraw, low: float, high: float, count: int, names: Sequence[str]
) -> None:
    for y, number in ((TOP, high), ((TOP + BOTTOM) / 2, (low + high) / 2), (BOTTOM, low)):
        draw.text((LEFT - 6, y), f"{number:.3g}", fill=TEXT, anchor="rm")
    draw.text((LEFT, BOTTOM + 6), "frame 0", fill=TEXT)
    draw.text((RIGHT, BOTTOM + 6), f"frame {count - 1}", fill=TEXT, anchor="ra")
    for i, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        draw.text((LEFT + 140 * i, 8), name, fill=colour)


def draw_maps(value: OverTime, frames: int) -> Image.Image:
    """Maps of some frames side by side, the brighter the more."""
    shown = sorted(set(np.linspace(0, frames - 1, min(frames, MAPS)).round().astype(int).tolist()))
    side = (WIDTH - GAP) // MAPS - GAP
    maps = value.maps(shown, frames, STRIP, side).numpy()
    low, high = float(maps.min()), float(maps.max())
    grey = (255 * (maps - low) / max(high - low, 1e-6)).round().astype(np.uint8)
    image = Image.new("RGB", (WIDTH, STRIP + 24), BACKGROUND)
    draw = ImageDraw.Draw(image)
    for i, (frame, pixels) in enumerate(zip(shown, grey, strict=True)):
        left = GAP + i * (side + GAP)
        image.paste(Image.fromarray(pixels), (left, 0))
        draw.text((left, STRIP + 4), f"frame {frame}", fill=TEXT)
    return image


def above(upper: Image.Image, lower: Image.Image) -> Image.Image:
    image = Image.new("RGB", (WIDTH, upper.height + lower.height), BACKGROUND)
    image.paste(upper, (0, 0))
    image.paste(lower, (0, upper.height))
    return image
