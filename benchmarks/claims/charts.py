"""The charts of docs/proof.md, by matplotlib."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...measures.pictures import check_matplotlib
from .estimates import Estimate

BLUE, ORANGE, GREY = "#4c9aff", "#ff9f43", "#999999"
COLOURS = (BLUE, ORANGE, "#2ecc71", "#b660e0", "#e05260", "#16a2a2", "#a67c52", "#606060")
DPI = 110


def axes_of(width: float = 6.0, height: float = 3.4) -> tuple[Any, Any]:
    check_matplotlib()
    # the object interface: pyplot would keep figures and ask for a display
    module: Any = importlib.import_module("matplotlib.figure")
    figure = module.Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    return figure, figure.add_subplot()


def finish(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # without the version of matplotlib, so that equal figures are equal files
    figure.savefig(path, format="png", metadata={"Software": None})


def errors_of(estimates: Sequence[Estimate]) -> np.ndarray:
    """How far the intervals reach down and up.   -> 2 n"""
    return np.array(
        [
            [estimate.value - estimate.low for estimate in estimates],
            [estimate.high - estimate.value for estimate in estimates],
        ]
    ).clip(0)


def bars(
    path: Path,
    groups: Mapping[str, Sequence[Estimate]],
    names: Sequence[str],
    label: str,
    line: float | None = None,
) -> None:
    """A bar and its interval for each name, beside those of the other groups; `line`: to be
    reached."""
    figure, axes = axes_of()
    wide = 0.8 / len(groups)
    for i, (group, estimates) in enumerate(groups.items()):
        places = np.arange(len(names)) + (i - (len(groups) - 1) / 2) * wide
        values = [estimate.value for estimate in estimates]
        axes.bar(
            places, values, 0.95 * wide, yerr=errors_of(estimates), capsize=3, label=group,
            color=COLOURS[i % len(COLOURS)], ecolor="#404040",
        )  # fmt: skip
    if line is not None:
        axes.axhline(line, color="#404040", linewidth=1, linestyle="--", label="line")
    axes.set_xticks(np.arange(len(names)), names)
    axes.set_ylabel(label)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=8)
    finish(figure, path)


def curves(
    path: Path,
    x: Sequence[float],
    lines: Mapping[str, Sequence[Estimate]],
    labels: tuple[str, str],
) -> None:
    """A line through each group's values, its intervals as a band.   labels: of x and of y"""
    figure, axes = axes_of()
    for i, (name, estimates) in enumerate(lines.items()):
        colour = COLOURS[i % len(COLOURS)]
        axes.plot(x, [e.value for e in estimates], color=colour, marker="o", ms=3, label=name)
        low, high = [e.low for e in estimates], [e.high for e in estimates]
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    finish(figure, path)


def matrix(
    path: Path, counts: np.ndarray, rows: Sequence[str], columns: Sequence[str], label: str
) -> None:
    """Numbers as shades, each row by its sum.   counts: rows columns"""
    figure, axes = axes_of(6.4, 5.2)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{count:g}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(np.arange(len(columns)), columns, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(np.arange(len(rows)), rows, fontsize=8)
    axes.set_xlabel(label)
    finish(figure, path)
