"""Distances to the outlines, against outlines laid out as points; sizes and edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from animatediff_kit.small_world.shapes import (
    CORNERS,
    Array,
    coverage,
    distance,
    polygon_distance,
    ring_of,
)
from animatediff_kit.small_world.words import SHAPES

RADIUS = 9.3
EVERY_SHAPE = pytest.mark.parametrize("shape", SHAPES)
EVERY_POLYGON = pytest.mark.parametrize("shape", CORNERS)


def radius(pixels: float = RADIUS) -> Array:
    return np.array(pixels, dtype=np.float32)


def grid(half: float, step: float) -> tuple[Array, Array]:
    places = np.arange(-half, half + step / 2, step, dtype=np.float32)
    x, y = np.meshgrid(places, places)
    return x, y


def outline(shape: str) -> Array:
    """Points along a polygon of RADIUS, a hundredth of a pixel apart or less.   -> n 2"""
    corners = RADIUS * np.array(CORNERS[shape])
    shares = np.linspace(0, 1, 2400)[:, None]
    sides = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    return np.concatenate([a + shares * (b - a) for a, b in sides])


def windings(corners: Array, points: Array) -> Array:
    """How often the corners go round each point: the sum of the angles that the sides are seen
    under.   n 2 -> n"""
    to = corners[None] - points[:, None]
    angles = np.arctan2(to[..., 1], to[..., 0])
    steps = np.diff(np.concatenate((angles, angles[:, :1]), 1), axis=1)
    return np.round(((steps + math.pi) % (2 * math.pi) - math.pi).sum(1) / (2 * math.pi))


def area(shape: str) -> float:
    """Of RADIUS, in pixels; by the shoelace formula."""
    if shape == "circle":
        return math.pi * RADIUS**2
    x, y = RADIUS * np.array(CORNERS[shape]).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def test_every_shape_has_an_outline() -> None:
    assert {"circle", *CORNERS} == set(SHAPES)


@EVERY_POLYGON
def test_distances_are_those_to_the_nearest_point_of_the_outline(shape: str) -> None:
    points = np.random.default_rng(0).uniform(-1.3 * RADIUS, 1.3 * RADIUS, (120, 2))
    found = distance(shape, points[:, 0], points[:, 1], radius())
    nearest = np.linalg.norm(points[:, None] - outline(shape), axis=-1).min(1)
    assert np.abs(found) == pytest.approx(nearest, abs=2e-3)
    inside = windings(RADIUS * np.array(CORNERS[shape]), points) != 0
    assert 15 < inside.sum() < 105
    assert np.array_equal(found < 0, inside)


def test_a_circles_distance_is_exact() -> None:
    x, y = np.array([0.0, 3.0, -30.0]), np.array([0.0, 4.0, 40.0])
    assert distance("circle", x, y, radius(10.0)) == pytest.approx([-10, -5, 40])


@EVERY_SHAPE
def test_each_frame_has_its_radius(shape: str) -> None:
    x, y = grid(12, 1.5)
    radii = np.array([6.0, 8.0, 11.0], dtype=np.float32)
    found = distance(shape, x, y, radii[:, None, None])
    assert found.shape == (3, *x.shape)
    for frame, pixels in zip(found, radii, strict=True):
        assert frame == pytest.approx(distance(shape, x, y, radius(float(pixels))), abs=1e-5)


def test_a_point_level_with_a_corner_is_on_its_side() -> None:
    """Rays through corners are where counting crossings goes wrong."""
    diamond = [(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)]
    x, y = np.array([-2.0, -0.5, 0.0, 2.0, 0.0, -2.0]), np.array([0.0, 0.0, 0.0, 0.0, -2.0, 1.0])
    assert (polygon_distance(diamond, x, y) < 0).tolist() == [
        False,
        True,
        True,
        False,
        False,
        False,
    ]


@EVERY_SHAPE
def test_the_sizes_look_alike(shape: str) -> None:
    """A side of the square of its area, against the circle's."""
    assert 0.75 <= math.sqrt(area(shape) / area("circle")) <= 1
    if shape != "circle":
        farthest = np.linalg.norm(CORNERS[shape], axis=1).max()
        assert 1 < farthest < 1.35


@EVERY_SHAPE
def test_shapes_stand_upright_around_their_middle(shape: str) -> None:
    x, y = grid(1.4, 0.02)
    signed = distance(shape, x, y, radius(1.0))
    assert signed == pytest.approx(signed[:, ::-1], abs=1e-4), "left is unlike right"
    covered = signed < 0
    assert abs(y[covered].mean()) < 0.21 and signed[70, 70] < -0.3
    if shape in ("triangle", "star"):
        top, bottom = covered[: covered.any(1).argmax() + 5], covered[-70:]
        assert top.any(0).sum() < 12, "the point is not at the top"
        assert bottom.any(0).sum() > 60


def test_a_ring_starts_at_the_top_and_goes_clockwise() -> None:
    right, bottom = 3.0, 4.0
    ring = ring_of([2.0, right, bottom, 5.0])
    assert np.array(ring) == pytest.approx(np.array([[0, -2], [3, 0], [0, 4], [-5, 0]]))
    assert np.array(ring_of([1.0, 1.0], turn=0.0)) == pytest.approx(np.array([[1, 0], [-1, 0]]))


@pytest.mark.parametrize(
    ("signed", "covered"), [(-3, 1), (-0.5, 1), (-0.25, 0.75), (0, 0.5), (0.5, 0), (9, 0)]
)
def test_an_edge_is_a_pixel_wide(signed: float, covered: float) -> None:
    assert coverage(np.array(signed)) == pytest.approx(covered)


@EVERY_SHAPE
def test_the_pixels_covered_add_up_to_the_area(shape: str) -> None:
    x, y = grid(20, 1.0)
    for offset in (0.0, 0.31, 0.5):
        covered = coverage(distance(shape, x - offset, y + offset, radius())).sum()
        assert covered == pytest.approx(area(shape), rel=0.01)
