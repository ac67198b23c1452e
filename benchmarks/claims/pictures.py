"""The pictures of docs/proof.md: charts by matplotlib, and clips side by side as one WebP."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ...measures.pictures import check_matplotlib
from .estimates import Estimate
from .findings import Picture

COLOURS = "#4c9aff #ff9f43 #2ecc71 #b660e0 #e05260 #16a2a2 #a67c52 #606060".split()
DARK, DPI = "#404040", 110
LARGER, GAP, MILLISECONDS = 2, 4, 125  # of a frame: 8 a second, as AnimateDiff shows its clips

Groups = Mapping[str, Sequence[Estimate]]


@contextmanager
def drawn(
    path: Path, labels: tuple[str, str], grid: Any = None, size: tuple[float, float] = (6.0, 3.4)
) -> Iterator[Any]:
    """Axes that are saved in the end.   grid: of which axis, which has a legend too"""
    check_matplotlib()
    # the object interface: pyplot would keep figures and ask for a display
    module: Any = importlib.import_module("matplotlib.figure")
    picture = module.Figure(figsize=size, dpi=DPI, layout="constrained")
    axes = picture.add_subplot(xlabel=labels[0], ylabel=labels[1])
    yield axes
    if grid:
        axes.grid(axis=grid, alpha=0.3)
        axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    # without the version of matplotlib, so that equal figures are equal files
    picture.savefig(path, format="png", metadata={"Software": None})


def ends(estimates: Sequence[Estimate]) -> np.ndarray:
    """Values, and the lower and upper ends of their intervals.   -> 3 n"""
    return np.array([(e.value, e.low, e.high) for e in estimates]).T


def bars(
    path: Path, groups: Groups, names: Sequence[str], label: str, line: float, shows: str
) -> Picture:
    """A bar for each name, beside those of the other groups; `line`: to be reached."""
    wide = 0.8 / len(groups)
    with drawn(path, ("", label), "y") as axes:
        for i, (group, estimates) in enumerate(groups.items()):
            values, low, high = ends(estimates)
            errors = np.array([values - low, high - values]).clip(0)
            places = np.arange(len(names)) + (i - (len(groups) - 1) / 2) * wide
            look = {"capsize": 3, "color": COLOURS[i], "ecolor": DARK, "label": group}
            axes.bar(places, values, 0.95 * wide, yerr=errors, **look)
        axes.axhline(line, color=DARK, linewidth=1, linestyle="--", label="line")
        axes.set_xticks(np.arange(len(names)), names)
    return Picture(path.name, shows)


def curves(
    path: Path, x: Sequence[float], groups: Groups, labels: tuple[str, str], shows: str
) -> Picture:
    """A line through each group's values, its intervals as a band.   labels: of x and of y"""
    with drawn(path, labels, "both") as axes:
        for (name, estimates), colour in zip(groups.items(), COLOURS, strict=False):
            values, low, high = ends(estimates)
            axes.plot(x, values, color=colour, marker="o", ms=3, label=name)
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    return Picture(path.name, shows)


def matrix(
    path: Path, counts: np.ndarray, names: tuple[Sequence[str], Sequence[str]], shows: str
) -> Picture:
    """Numbers as shades, each row by its sum.   counts: rows columns; names: of both"""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with drawn(path, ("what the clips show", ""), size=(6.4, 5.2)) as axes:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.argwhere(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            look = {"ha": "center", "va": "center", "color": colour, "fontsize": 8}
            axes.text(column, row, f"{counts[row, column]:g}", **look)
        axes.set_xticks(np.arange(len(names[1])), names[1], rotation=45, ha="right", fontsize=8)
        axes.set_yticks(np.arange(len(names[0])), names[0], fontsize=8)
    return Picture(path.name, shows)


def animation(path: Path, rows: Sequence[Sequence[Tensor]], shows: str) -> Picture:
    """Clips of one size and length, white between them, each pixel as a square.
    each f h w 3 in 0..1"""
    white = (0, 0, 0, GAP, 0, GAP)
    spaced = [torch.cat([functional.pad(c, white, value=1.0) for c in row], 2) for row in rows]
    clip = torch.cat(spaced, 1)[:, :-GAP, :-GAP]
    larger = clip.repeat_interleave(LARGER, 1).repeat_interleave(LARGER, 2).numpy()
    frames = [Image.fromarray((frame * 255).round().astype(np.uint8)) for frame in larger]
    path.parent.mkdir(parents=True, exist_ok=True)
    rest = {"append_images": frames[1:], "duration": MILLISECONDS, "loop": 0}
    frames[0].save(path, save_all=True, quality=85, method=4, **rest)
    return Picture(path.name, shows)
