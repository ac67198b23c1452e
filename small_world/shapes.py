"""Outlines of the shapes as distances in pixels: negative inside, 0 on the outline.

Drawing by distance gives edges that move smoothly, a hundredth of a pixel at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""float32 wherever pictures are drawn."""

Corner = tuple[float, float]


def ring_of(radii: Sequence[float], turn: float = -0.25) -> list[Corner]:
    """Corners at these distances from the middle, evenly around it; `turn` in whole turns."""
    angles = (2 * math.pi * (turn + i / len(radii)) for i in range(len(radii)))
    return [(r * math.cos(a), r * math.sin(a)) for r, a in zip(radii, angles, strict=True)]


ARM, REACH = 0.34, 1.0
CORNERS: dict[str, list[Corner]] = {
    # corners for the radius 1, in order around the middle; the sizes look alike
    "square": [(-0.84, -0.84), (0.84, -0.84), (0.84, 0.84), (-0.84, 0.84)],
    "triangle": [(x, y + 0.2) for x, y in ring_of([1.2] * 3)],
    "star": ring_of([1.25, 0.52] * 5),
    "cross": [
        (x * a, y * b)
        for x, y, pair in ((1, 1, 0), (-1, 1, 1), (-1, -1, 0), (1, -1, 1))
        for a, b in (
            ((REACH, ARM), (ARM, ARM), (ARM, REACH))
            if pair == 0
            else ((ARM, REACH), (ARM, ARM), (REACH, ARM))
        )
    ],
}


def distance(shape: str, x: Array, y: Array, radius: Array) -> Array:
    """Signed distance of points to the outline of a shape around the origin, in pixels.

    x, y, and radius, which is broadcast against them: pixels.
    """
    if shape == "circle":
        return np.hypot(x, y) - radius
    return polygon_distance(CORNERS[shape], x / radius, y / radius) * radius


def polygon_distance(corners: Sequence[Corner], x: Array, y: Array) -> Array:
    """The nearest edge's distance; inside, a ray to the right crosses an odd number of edges."""
    nearest = np.full(x.shape, np.inf, dtype=np.float32)
    inside = np.zeros(x.shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        ex, ey = bx - ax, by - ay
        along = np.clip(((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey), 0, 1)
        np.minimum(nearest, np.hypot(x - ax - ex * along, y - ay - ey * along), out=nearest)
        if ay != by:
            crosses = (y >= ay) != (y >= by)
            inside ^= crosses & (x < ax + (y - ay) * (ex / ey))
    return np.where(inside, -nearest, nearest)


def coverage(signed: Array) -> Array:
    """How much of each pixel lies inside, for edges wider than a pixel."""
    return np.clip(0.5 - signed, 0, 1)
