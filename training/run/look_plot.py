"""The looks at a run as pictures under its loss: the loss on clips held out, and how previews
move."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from ..engine.looks import Look, PreviewFigures
from .loss_plot import (
    BOTTOM,
    FINER,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axes,
    Line,
    framed,
    legend_entry,
    write,
)
from .pictures import below

CROP = 24, BOTTOM + 24
"""Rows of the loss plot's own layout that are kept: it has room for a title."""

COLOURS = ("#1467d6", "#d65a14", "#1a9850", "#8031a7")


NAMES = {
    # a chart or a line of it, as the page has words for it too -> its name in the picture
    "held_out": "held-out loss",
    "shares": "share of the clips' own",
    "camera": "camera",
    "all": "all noise",
    "weakest": "weakest",
    "strongest": "strongest",
    "flow": "flow",
    "warp_error": "warp error",
    "pan": "pan",
    "tilt": "tilt",
    "zoom": "zoom",
    "roll": "roll / 90",
}


@dataclass(frozen=True)
class Chart:
    """Lines over the steps, by keys of NAMES.   lines: a number for each step"""

    key: str
    steps: tuple[int, ...]
    lines: dict[str, list[float]]


Take = Callable[[PreviewFigures], float]

CAMERA: dict[str, Take] = {
    # a line of the chart -> what it takes from a preview's figures
    "pan": lambda seen: seen.pan,
    "tilt": lambda seen: seen.tilt,
    "zoom": lambda seen: seen.zoom - 1,
    "roll": lambda seen: seen.roll / 90,
}
SHARES: dict[str, Take] = {
    "flow": lambda seen: seen.flow_share,
    "warp_error": lambda seen: seen.warp_share,
}


def charts_of(looks: Sequence[Look]) -> list[Chart]:
    """Those that have something to show."""
    held = [look for look in looks if look.held_out]
    seen = [look for look in looks if look.previews]
    found: list[Chart] = []
    if held:
        lines = {
            "all": [look.held_out_loss() for look in held],
            "weakest": [look.held_out[0] for look in held],
            "strongest": [look.held_out[-1] for look in held],
        }
        found.append(Chart("held_out", tuple(look.step for look in held), lines))
    for key, what in (("shares", SHARES), ("camera", CAMERA)) if seen else ():
        lines = {name: [mean_of(look, take) for look in seen] for name, take in what.items()}
        found.append(Chart(key, tuple(look.step for look in seen), lines))
    return found


def mean_of(look: Look, take: Take) -> float:
    return statistics.fmean(map(take, look.previews))


def draw_looks(looks: Sequence[Look], steps: int) -> Image.Image | None:
    """All charts, one below the other; None where nothing was seen."""
    picture = None
    for chart in charts_of(looks):
        drawn = draw_chart(chart, steps)
        picture = drawn if picture is None else below(picture, drawn)
    return picture


def draw_chart(chart: Chart, steps: int) -> Image.Image:
    """-> WIDTH x 280"""
    values = np.array(list(chart.lines.values()))
    at = np.array(chart.steps)
    lines = [Line(at, line, c, 2 * FINER) for line, c in zip(values, COLOURS, strict=False)]
    picture = framed(axes_of(values, steps), BOTTOM + 40, lines)
    draw = ImageDraw.Draw(picture)
    write(draw, (LEFT, TOP - 10), NAMES[chart.key], "lm", 11)
    right = RIGHT
    for name, colour in reversed(list(zip(chart.lines, COLOURS, strict=False))):
        right = legend_entry(draw, right, NAMES[name], colour)
    return picture.crop((0, CROP[0], WIDTH, CROP[1]))


def axes_of(values: np.ndarray, steps: int) -> Axes:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 0.5
    return Axes(max(steps, 2), low - margin, high + margin)
