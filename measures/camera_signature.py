"""The camera's move over a clip, from affine fits to the flow of each pair of frames.

Everything is told in what the content of the picture does, as in the authors' eight camera
MotionLoRAs: x right, y down, angles clockwise on the screen. A camera that pans to the left sees
its content move to the right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOVES: dict[str, tuple[str, str]] = {
    # component: the move where it is positive, and where it is negative
    "zoom": ("zoom in", "zoom out"),
    "pan": ("pan left", "pan right"),
    "tilt": ("tilt up", "tilt down"),
    "roll": ("roll clockwise", "roll anticlockwise"),
}

LEAST = 0.02
"""Of the picture's side: what a move displaces the content by over the whole clip, at least."""

STEADY = 0.5
"""A move goes one way: its total is at least this share of its way, back and forth counted."""

ALONE = 0.5
"""A move has this much of anything else beside it, at most."""

POINTS, TRIES, ITERATIONS = 32, 100, 8

BORDER = 8
"""Pixels at the picture's edge that are left out: a patch of DIS, which there sees half of what
moves. With them a growth of 2 % is read as 1.95 %."""


@dataclass(frozen=True)
class Affine:
    """Where content at p, in pixels from the picture's centre, moves: p + shift + linear @ p.

    shift: 2; linear: 2 2
    """

    shift: np.ndarray
    linear: np.ndarray

    def scale(self) -> float:
        """The content's growth: 1 is none."""
        return math.sqrt(abs(np.linalg.det(np.eye(2) + self.linear)))

    def angle(self) -> float:
        """The content's turn in radians, clockwise."""
        (a, b), (c, d) = np.eye(2) + self.linear
        return math.atan2(c - b, a + d)


def fit_affine(flow: np.ndarray) -> Affine:
    """The affine motion that most of a flow follows, whatever single objects do.   flow: h w 2

    Least median of squares over random triples of points (Rousseeuw 1984), then iteratively
    reweighted least squares with Tukey's biweight at 4.685 robust standard deviations (Holland &
    Welsch 1977). Content that leaves the picture counts for nothing: its flow is a guess.
    """
    points, vectors = samples(flow)
    if len(points) < 3:
        return Affine(np.zeros(2), np.zeros((2, 2)))
    design = np.concatenate((np.ones((len(points), 1)), points), 1)
    solution = least_median(design, vectors)
    for _ in range(ITERATIONS):
        distances = np.linalg.norm(vectors - design @ solution, axis=1)
        spread = 1.4826 * float(np.median(distances)) + 1e-3
        root = np.clip(1 - (distances / (4.685 * spread)) ** 2, 0, None)[:, None]
        solution = np.linalg.lstsq(root * design, root * vectors, rcond=None)[0]
    return Affine(solution[0], solution[1:].T)


def least_median(design: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Of affine motions through three points each, the one whose median distance is the least.
    n 3, n 2 -> 3 2"""
    generator = np.random.default_rng(0)  # the same flow always has the same fit
    triples = generator.integers(0, len(design), (TRIES, 3))
    triples = triples[np.abs(np.linalg.det(design[triples])) > 1]  # not all in one line
    best, least = np.zeros((3, 2)), np.inf
    if len(triples):
        for solution in np.linalg.solve(design[triples], vectors[triples]):
            median = float(np.median(np.abs(vectors - design @ solution).sum(axis=1)))
            if median < least:
                best, least = solution, median
    return best


def samples(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A regular grid of those of a flow's vectors that end in the picture, and where they stand
    from its centre.   -> n 2, n 2"""
    height, width = flow.shape[:2]
    rows = np.linspace(BORDER, height - 1 - BORDER, POINTS).round().astype(int)
    columns = np.linspace(BORDER, width - 1 - BORDER, POINTS).round().astype(int)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    points = np.stack((x - (width - 1) / 2, y - (height - 1) / 2), -1)
    vectors = flow[y, x].astype(np.float64)
    inside = (np.abs(points + vectors) <= np.array([width - 1, height - 1]) / 2).all(axis=-1)
    return points[inside], vectors[inside]


@dataclass(frozen=True)
class CameraSignature:
    """What the camera does over a clip, summed over its pairs of frames.

    pan, tilt: the content's way to the right and down in pixels, and in percent of the picture's
    width and height; zoom: the content's growth as a factor; roll: its turn in degrees, clockwise.
    move: one of the eight moves, or "none" where there is hardly any, or several at once, or one
    back and forth. off_axis: the second strongest component as a share of the strongest, both as
    the pixels that they displace an average point by; steadiness: the strongest component's total
    as a share of its way.
    """

    move: str
    pan_pixels: float
    pan_percent: float
    tilt_pixels: float
    tilt_percent: float
    zoom_factor: float
    roll_degrees: float
    off_axis: float
    steadiness: float


def camera_signature(motions: Sequence[Affine], height: int, width: int) -> CameraSignature:
    """motions: of every pair of neighbouring frames, in order"""
    per_pair = np.array([[math.log(m.scale()), *m.shift, m.angle()] for m in motions])
    zoom, pan, tilt, roll = total = per_pair.sum(axis=0)
    radius = mean_radius(height, width)
    pixels = np.array([radius, 1, 1, radius])
    displaced = np.abs(total) * pixels
    _, second, first = np.argsort(displaced, kind="stable")[1:]
    way = float(np.abs(per_pair[:, first]).sum())
    steadiness = abs(float(total[first])) / way if way else 0.0
    off_axis = float(displaced[second] / displaced[first]) if displaced[first] else 0.0
    enough = displaced[first] >= LEAST * math.sqrt(height * width)
    moves = list(MOVES.values())[first]
    name = moves[0] if total[first] > 0 else moves[1]
    return CameraSignature(
        move=name if enough and steadiness >= STEADY and off_axis <= ALONE else "none",
        pan_pixels=float(pan),
        pan_percent=100 * float(pan) / width,
        tilt_pixels=float(tilt),
        tilt_percent=100 * float(tilt) / height,
        zoom_factor=math.exp(zoom),
        roll_degrees=math.degrees(roll),
        off_axis=off_axis,
        steadiness=steadiness,
    )


def mean_radius(height: int, width: int) -> float:
    """Mean distance of a picture's points from its centre, in pixels: what a growth by the factor
    1 + e or a turn by e displaces an average point by, over e."""
    y, x = np.ogrid[:64, :64]
    return float(np.hypot((y - 31.5) * height / 64, (x - 31.5) * width / 64).mean())
