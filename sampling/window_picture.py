"""A picture of context windows: one row a window, one column a frame, the brighter the more it
counts."""

from __future__ import annotations

import numpy as np
import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .fuse import fuse_weights
from .windows import WindowSettings, windows_of

STEPS = 4
"""Sampling steps that are shown where the windows change with the step."""

MOST_ROWS = 400
"""Windows of a step that are drawn; of what follows, only the number."""

WIDTH, ROW, LABELS, GAP = 512, 26, 104, 8
"""Pixels; nodes show a picture at some 300 pixels, and type of 20 can be read there."""

TYPE = 20
BACKGROUND, TEXT = (24, 26, 30), (200, 204, 210)
COLOURS = ((76, 154, 255), (255, 159, 67), (85, 201, 141), (232, 106, 146))


def shares(
    frames: int, settings: WindowSettings, step: int, most: int = MOST_ROWS
) -> tuple[list[list[int]], np.ndarray]:
    """The windows of a step, and what each contributes to each frame, of the first `most` windows.
    -> w f, columns sum to 1 where no window is left out"""
    windows = windows_of(frames, settings, step)
    total = np.zeros(frames)
    table = np.zeros((min(most, len(windows)), frames))
    for i, window in enumerate(windows):
        throw_exception_if_processing_interrupted()
        weights = fuse_weights(window, frames, settings, step)
        total[window] += weights
        if i < most:
            table[i, window] = weights
    return windows, table / total


def draw_windows(frames: int, settings: WindowSettings, start: float = 0.0) -> Tensor:
    """The windows of one step, or of the first four where they move; `start` is the part of
    sampling from which on they are, 0 to 1.   -> 1 h w 3 in 0..1"""
    tables = [shares(frames, settings, step) for step in range(STEPS)]
    if all(windows == tables[0][0] for windows, _ in tables):
        tables = tables[:1]
    rows = sum(len(table) for _, table in tables)
    height = rows * ROW + len(tables) * (ROW + GAP) + GAP
    image = Image.new("RGB", (WIDTH, height), BACKGROUND)
    draw, top = ImageDraw.Draw(image), GAP
    draw.font = ImageFont.load_default(TYPE)
    for step, (windows, table) in enumerate(tables):
        name = f"step {step + 1}: " if len(tables) > 1 else "every step: "
        name = f"from {start:.0%}, {name}" if start else name
        more = f", {len(table)} drawn" if len(table) < len(windows) else ""
        draw.text((4, top), f"{name}{len(windows)} windows, {frames} frames{more}", fill=TEXT)
        top += ROW
        for i, (window, row) in enumerate(zip(windows, table, strict=False)):
            draw.text((4, top), f"{window[0]}-{window[-1]}", fill=TEXT)
            image.paste(bar(row, COLOURS[i % len(COLOURS)]), (LABELS, top + 2))
            top += ROW
        top += GAP
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255.0)[None]


def bar(row: np.ndarray, colour: tuple[int, int, int]) -> Image.Image:
    """One window's row: its colour where it alone counts, darker where others share the frame."""
    mix = np.where(row > 0, 0.15 + 0.85 * row, 0.0)[None, :, None]
    pixels = np.array(BACKGROUND) * (1 - mix) + np.array(colour) * mix
    strip = Image.fromarray(pixels.round().astype(np.uint8))
    return strip.resize((WIDTH - LABELS - 4, ROW - 4), Image.Resampling.NEAREST)
