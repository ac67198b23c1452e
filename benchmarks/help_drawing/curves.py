"""Curves over the frames with a dot that walks along them, and spans of frames with a marker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .kept import Frames
from .layout import COLOURS, FAINT, TEXT, Pen, blank, drawn

SHARED = (232, 236, 240)
WIDTH, HEIGHT, EDGE, SPAN = 256, 72, 8, 12


def walked(
    curves: Sequence[np.ndarray],
    bounds: tuple[float, float] = (0.0, 1.0),
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Frames:
    """Each curve has a colour of its own, and a dot at the frame that is shown.   curves: each f"""
    count = len(curves[0])
    xs = np.linspace(EDGE + 18, width - EDGE, count)
    low, high = bounds

    def ys(curve: np.ndarray) -> np.ndarray:
        return height - EDGE - (curve - low) / (high - low) * (height - 2 * EDGE)

    def draw(pen: Pen, number: int) -> None:
        for value in bounds:
            y = float(ys(np.array(value)))
            pen.line((xs[0], y, xs[-1], y), fill=FAINT)
            pen.text((2, y), f"{value:g}", fill=TEXT, anchor="lm")
        for curve, colour in zip(curves, COLOURS, strict=False):
            points = list(zip(xs, ys(curve), strict=True))
            pen.line(points, fill=colour, width=2)
            x, y = points[number]
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)

    return drawn(blank(count, height, width), draw)


def spans(
    parts: Sequence[tuple[int, int]], frames: int, shared: tuple[int, int] | None = None
) -> Frames:
    """A row for each span of frames, from the first to the one behind its last; a line at the frame
    that is shown.   shared: frames that stand out"""
    height = len(parts) * (SPAN + 3) + 3
    unit = (WIDTH - 2 * EDGE) / frames

    def place(frame: float) -> float:
        return EDGE + unit * frame

    def draw(pen: Pen, number: int) -> None:
        for row, (start, end) in enumerate(parts):
            top = 3 + row * (SPAN + 3)
            pen.rectangle((place(start), top, place(end) - 1, top + SPAN), fill=COLOURS[row])
            if shared is not None:
                a, b = max(start, shared[0]), min(end, shared[1])
                pen.rectangle((place(a), top, place(b) - 1, top + SPAN), fill=SHARED)
        x = place(number + 0.5)
        pen.line((x, 0, x, height), fill=(255, 255, 255), width=2)

    return drawn(blank(frames, height, WIDTH), draw)
