"""The loss over the steps, drawn by matplotlib."""

from __future__ import annotations

import importlib
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

SIZE, DPI = (5.12, 3.2), 100
SMOOTHING = 0.02
"""Share of the steps so far that the smoothed line averages over."""


def smoothed(losses: Sequence[float]) -> np.ndarray:
    """Running mean that looks backwards only; skipped steps, NaN, count for nothing."""
    values = np.asarray(losses, dtype=np.float64)
    window = max(1, math.ceil(len(values) * SMOOTHING))
    counted = np.isfinite(values)
    sums = np.cumsum(np.where(counted, values, 0.0))
    counts = np.cumsum(counted)
    before = np.arange(len(values)) - window
    sums = sums - np.where(before >= 0, sums[before], 0.0)
    counts = counts - np.where(before >= 0, counts[before], 0)
    return sums / np.where(counts > 0, counts, np.nan)


def draw_losses(losses: Sequence[float], steps: int, title: str) -> Image.Image:
    """The loss of every step, faint, and its running mean, over the steps of the whole run."""
    # the object interface: pyplot would keep figures and ask for a display
    figures: Any = importlib.import_module("matplotlib.figure")
    figure = figures.Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    numbers = np.arange(1, len(losses) + 1)
    axes.plot(numbers, losses, color="#4c9aff", alpha=0.3, linewidth=1, label="loss")
    axes.plot(numbers, smoothed(losses), color="#4c9aff", linewidth=2, label="mean")
    axes.set_xlim(0, max(steps, 2))
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    axes.set_title(title, fontsize=10)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return Image.open(file).convert("RGB")


def as_image(picture: Image.Image) -> Tensor:
    """-> 1 h w 3 in 0..1, ComfyUI's IMAGE"""
    return torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255.0)[None]


def as_picture(image: Tensor) -> Image.Image:
    """h w 3 in 0..1 -> a picture"""
    return Image.fromarray((image.numpy() * 255).round().astype(np.uint8))


def beside(plot: Image.Image, frame: Tensor | None) -> Image.Image:
    """The plot with a preview's frame under it.   frame: h w 3 in 0..1"""
    if frame is None:
        return plot
    picture = as_picture(frame)
    both = Image.new("RGB", (max(plot.width, picture.width), plot.height + picture.height), "white")
    both.paste(plot, (0, 0))
    both.paste(picture, ((both.width - picture.width) // 2, plot.height))
    return both


def under_plot(plot: Tensor, frame: Tensor) -> Tensor:
    """The same of ComfyUI's images.   plot: 1 h w 3;   frame: h w 3 -> 1 h w 3"""
    return as_image(beside(as_picture(plot[0]), frame))
