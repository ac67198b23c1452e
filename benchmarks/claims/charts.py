"""The charts of docs/proof.md, by matplotlib."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...measures.pictures import check_matplotlib
from .estimates import Estimate
from .findings import Picture

COLOURS = "#4c9aff #ff9f43 #2ecc71 #b660e0 #e05260 #16a2a2 #a67c52 #606060".split()
DARK, DPI = "#404040", 110

Groups = Mapping[str, Sequence[Estimate]]


@contextmanager
def drawn(path: Path, size: tuple[float, float] = (6.0, 3.4)) -> Iterator[Any]:
    """Axes that are saved in the end."""
    check_matplotlib()
    # the object interface: pyplot would keep figures and ask for a display
    module: Any = importlib.import_module("matplotlib.figure")
    figure = module.Figure(figsize=size, dpi=DPI, layout="constrained")
    yield figure.add_subplot()
    path.parent.mkdir(parents=True, exist_ok=True)
    # without the version of matplotlib, so that equal figures are equal files
    figure.savefig(path, format="png", metadata={"Software": None})


def parts(estimates: Sequence[Estimate]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, and the lower and upper ends of their intervals."""
    values, low, high = np.array([(e.value, e.low, e.high) for e in estimates]).T
    return values, low, high


def bars(
    path: Path, groups: Groups, names: Sequence[str], label: str, line: float, shows: str
) -> Picture:
    """A bar and its interval for each name, beside those of the other groups; `line`: to be
    reached."""
    wide = 0.8 / len(groups)
    with drawn(path) as axes:
        for i, (group, estimates) in enumerate(groups.items()):
            values, low, high = parts(estimates)
            errors = np.array([values - low, high - values]).clip(0)
            places = np.arange(len(names)) + (i - (len(groups) - 1) / 2) * wide
            look = {"capsize": 3, "color": COLOURS[i], "ecolor": DARK}
            axes.bar(places, values, 0.95 * wide, yerr=errors, label=group, **look)
        axes.axhline(line, color=DARK, linewidth=1, linestyle="--", label="line")
        axes.set_xticks(np.arange(len(names)), names)
        axes.set_ylabel(label)
        axes.grid(axis="y", alpha=0.3)
        axes.legend(fontsize=8)
    return Picture(path.name, shows)


def curves(
    path: Path, x: Sequence[float], groups: Groups, labels: tuple[str, str], shows: str
) -> Picture:
    """A line through each group's values, its intervals as a band.   labels: of x and of y"""
    with drawn(path) as axes:
        for i, (name, estimates) in enumerate(groups.items()):
            values, low, high = parts(estimates)
            axes.plot(x, values, color=COLOURS[i], marker="o", ms=3, label=name)
            axes.fill_between(x, low, high, color=COLOURS[i], alpha=0.15, linewidth=0)
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return Picture(path.name, shows)


def matrix(
    path: Path, counts: np.ndarray, names: tuple[Sequence[str], Sequence[str]], shows: str
) -> Picture:
    """Numbers as shades, each row by its sum.   counts: rows columns; names: of both"""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with drawn(path, (6.4, 5.2)) as axes:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.argwhere(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            look = {"ha": "center", "va": "center", "color": colour, "fontsize": 8}
            axes.text(column, row, f"{counts[row, column]:g}", **look)
        axes.set_xticks(np.arange(len(names[1])), names[1], rotation=45, ha="right", fontsize=8)
        axes.set_yticks(np.arange(len(names[0])), names[0], fontsize=8)
        axes.set_xlabel("what the clips show")
    return Picture(path.name, shows)
