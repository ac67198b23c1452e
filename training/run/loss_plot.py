"""The loss over the steps as a picture, drawn by Pillow alone, which ComfyUI has.

However long a run is, it is drawn as BINS bins: of each the lowest and the highest loss, and the
running mean at its end.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .ticks import tick_texts, ticks

WIDTH, HEIGHT = 512, 320
LEFT, TOP, RIGHT, BOTTOM = 56, 44, 496, 280
"""The axes' frame, in pixels."""

FINER = 3
"""Lines are drawn so many times as large and then made smaller, which smooths their edges."""

BINS = 400
SMOOTHING = 0.02
"""Share of the steps so far that the running mean looks back over."""

FAINT, STRONG, GRID, FRAME, TEXT = "#a9d0ff", "#1467d6", "#e4e4e4", "#9a9a9a", "#303030"


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


def last_smoothed(losses: Sequence[float]) -> float:
    """The last value of `smoothed`, at the cost of its window alone."""
    window = max(1, math.ceil(len(losses) * SMOOTHING))
    counted = [loss for loss in losses[-window:] if math.isfinite(loss)]
    return math.fsum(counted) / len(counted) if counted else math.nan


@dataclass(frozen=True)
class Bins:
    """The last step of each bin, its lowest and highest loss, and the running mean at its end; NaN
    where every step was skipped."""

    steps: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    means: np.ndarray


def binned(losses: Sequence[float], most: int = BINS) -> Bins:
    """At most so many bins of about equally many steps; where steps are fewer, one for each."""
    values = np.asarray(losses, dtype=np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    edges = np.linspace(0, len(values), min(most, len(values)) + 1).astype(int)
    starts, ends = edges[:-1], edges[1:]
    return Bins(
        ends,
        np.fmin.reduceat(values, starts),
        np.fmax.reduceat(values, starts),
        smoothed(values)[ends - 1],  # pyright: ignore[reportArgumentType]
    )


@dataclass(frozen=True)
class Axes:
    """What the frame shows: steps 0 to `steps`, losses `low` to `high`."""

    steps: int
    low: float
    high: float

    def x(self, step: float) -> float:
        return LEFT + (RIGHT - LEFT) * step / self.steps

    def y(self, loss: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (loss - self.low) / (self.high - self.low)


def axes_of(bins: Bins, steps: int) -> Axes:
    """A little wider than the losses; never below 0 for losses that are not."""
    finite = np.isfinite(bins.lows)
    if not finite.any():
        return Axes(max(steps, 2), 0.0, 1.0)
    low, high = float(bins.lows[finite].min()), float(bins.highs[finite].max())
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 0.5
    return Axes(max(steps, 2), max(low - margin, 0.0) if low >= 0 else low - margin, high + margin)


def runs(xs: Sequence[float], ys: Sequence[float]) -> Iterator[list[tuple[float, float]]]:
    """Points without those that have no number, which part a line into runs."""
    line: list[tuple[float, float]] = []
    for x, y in zip(xs, ys, strict=True):
        if math.isfinite(y):
            line.append((x, y))
        elif line:
            yield line
            line = []
    if line:
        yield line


@dataclass(frozen=True)
class Line:
    """Through the steps xs and the losses ys; a point where there is but one.   width: in pixels of
    the finer picture"""

    xs: np.ndarray
    ys: np.ndarray
    colour: str
    width: int

    def draw(self, on: ImageDraw.ImageDraw, axes: Axes) -> None:
        width = self.width
        for run in runs(self.xs.tolist(), self.ys.tolist()):
            points = [(axes.x(x) * FINER, axes.y(y) * FINER) for x, y in run]
            if len(points) > 1:
                on.line(points, self.colour, width, joint="curve")
                continue
            ((x, y),) = points
            on.ellipse((x - width, y - width, x + width, y + width), self.colour)


def framed(axes: Axes, height: int, lines: Sequence[Line]) -> Image.Image:
    """Lines in a frame with a grid and its numbers, room around it.   -> WIDTH x height"""
    across = [t for t in ticks(0, axes.steps, 6) if t == int(t)]
    up = ticks(axes.low, axes.high, 6)
    fine = Image.new("RGB", (WIDTH * FINER, height * FINER), "white")
    draw = ImageDraw.Draw(fine)
    draw_grid(draw, [axes.x(t) for t in across], [axes.y(t) for t in up])
    for line in lines:
        line.draw(draw, axes)
    picture = fine.reduce(FINER)
    draw = ImageDraw.Draw(picture)
    for t, text in zip(across, tick_texts(across), strict=True):
        write(draw, (axes.x(t), BOTTOM + 5), text, "mt", 11)
    for t, text in zip(up, tick_texts(up), strict=True):
        write(draw, (LEFT - 6, axes.y(t)), text, "rm", 11)
    return picture


def draw_grid(draw: ImageDraw.ImageDraw, xs: Sequence[float], ys: Sequence[float]) -> None:
    left, top, right, bottom = (side * FINER for side in (LEFT, TOP, RIGHT, BOTTOM))
    for x in xs:
        draw.line((x * FINER, top, x * FINER, bottom), GRID, FINER)
    for y in ys:
        draw.line((left, y * FINER, right, y * FINER), GRID, FINER)
    draw.rectangle((left, top, right, bottom), outline=FRAME, width=FINER)


@functools.cache
def font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Pillow's own; of one small size before Pillow 10.1, and where it was built without
    FreeType."""
    try:
        return ImageFont.load_default(size)
    except (TypeError, ImportError, OSError):
        return ImageFont.load_default()


def write(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, anchor: str, size: int
) -> None:
    """anchor: Pillow's, horizontal (l m r) and vertical (t m b) place of `at` in the text."""
    face = font(size)
    width, height = draw.textbbox((0, 0), text, font=face)[2:]
    x = at[0] - width * "lmr".index(anchor[0]) / 2
    y = at[1] - height * "tmb".index(anchor[1]) / 2
    draw.text((round(x), round(y)), text, TEXT, font=face)


def write_title(draw: ImageDraw.ImageDraw, title: str) -> None:
    """As large as it fits."""
    sizes = (14, 12, 10, 8)
    size = next((s for s in sizes if draw.textlength(title, font(s)) <= WIDTH - 16), sizes[-1])
    write(draw, (WIDTH / 2, 13), title, "mm", size)


def write_legend(draw: ImageDraw.ImageDraw) -> None:
    """Which line is which, above the frame's right corner; what the axes show."""
    legend_entry(draw, RIGHT, "running mean", STRONG)
    legend_entry(draw, RIGHT - 104, "loss", FAINT)
    write(draw, (LEFT, TOP - 10), "loss", "lm", 11)
    write(draw, ((LEFT + RIGHT) / 2, HEIGHT - 5), "step", "mb", 11)


def legend_entry(draw: ImageDraw.ImageDraw, right: float, name: str, colour: str) -> float:
    """-> where the next one to the left ends"""
    y = TOP - 10
    write(draw, (right, y), name, "rm", 11)
    left = right - draw.textlength(name, font(11)) - 6
    draw.line((left - 14, y, left, y), colour, 3)
    return left - 26


def draw_losses(losses: Sequence[float], steps: int, title: str) -> Image.Image:
    """The loss of every step, faint, and its running mean, over the steps of the whole run.
    -> 512 x 320"""
    bins = binned(losses)
    # from each bin's lowest to its highest and on to the next bin's, there and back
    pairs = np.stack([bins.lows, bins.highs], 1)
    pairs[1::2] = pairs[1::2, ::-1]
    raw = Line(np.repeat(bins.steps, 2), pairs.ravel(), FAINT, FINER)
    mean = Line(bins.steps, bins.means, STRONG, 2 * FINER)
    picture = framed(axes_of(bins, steps), HEIGHT, [raw, mean])
    draw = ImageDraw.Draw(picture)
    write_title(draw, title)
    write_legend(draw)
    if np.isnan(bins.lows).all():
        write(draw, ((LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2), "no finite loss yet", "mm", 13)
    return picture
