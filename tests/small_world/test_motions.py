"""Where things are in each frame, and what the camera's moves do to the content."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from animatediff_kit.small_world.motions import (
    DIRECTIONS,
    FLOOR,
    FRAMES,
    GROWTH,
    HOP,
    HOP_PERIOD,
    MOVES,
    ORBIT,
    ORBIT_PERIOD,
    SIDE,
    Thing,
    Track,
    track,
    view,
)
from animatediff_kit.small_world.words import MOTIONS
from animatediff_kit.training.data import camera_moves

from .looks import TIMES

THING = Thing(x=5.0, y=-7.0, radius=9.0, speed=1.4, phase=0.3)
PHASES = pytest.mark.parametrize("phase", [0.0, 0.13, 0.5, 0.94])
EIGHT = [move for move in MOVES if move != "none"]
MIDDLE = (FRAMES - 1) / 2

WAYS = {"left": (-1.4, 0.0), "right": (1.4, 0.0), "up": (0.0, -1.4), "down": (0.0, 1.4)}


def followed(motion: str, thing: Thing = THING, times: np.ndarray = TIMES) -> Track:
    return track(motion, thing, times)


def at(*times: float) -> np.ndarray:
    return np.array(times, dtype=np.float32)


def test_every_motion_but_still_moves() -> None:
    for motion in MOTIONS:
        found = followed(motion)
        assert found.x.shape == found.y.shape == found.radius.shape == (FRAMES,)
        steps = [np.abs(np.diff(part)).max() for part in (found.x, found.y, found.radius)]
        assert (max(steps) < 1e-6) == (motion == "still")
    assert set(DIRECTIONS) == set(WAYS) < set(MOTIONS)


@pytest.mark.parametrize("motion", WAYS)
def test_a_direction_is_gone_at_the_things_speed(motion: str) -> None:
    found = followed(motion)
    right, down = WAYS[motion]
    assert np.diff(found.x) == pytest.approx(right, abs=1e-5)
    assert np.diff(found.y) == pytest.approx(down, abs=1e-5)
    assert (found.radius == 9).all()


@pytest.mark.parametrize("motion", ["still", "grow", *WAYS])
def test_a_thing_is_at_its_place_in_the_middle_of_a_clip(motion: str) -> None:
    found = followed(motion, times=at(MIDDLE))
    assert (found.x, found.y, found.radius) == pytest.approx((5, -7, 9))


@PHASES
def test_an_orbit_goes_clockwise_and_closes_after_its_period(phase: float) -> None:
    thing = Thing(x=5.0, y=-7.0, radius=9.0, phase=phase)
    found = followed("orbit", thing, np.arange(0, ORBIT_PERIOD + 1, dtype=np.float32))
    x, y = found.x - 5, found.y + 7
    assert np.hypot(x, y) == pytest.approx(ORBIT, abs=1e-4)
    assert (x[-1], y[-1]) == pytest.approx((x[0], y[0]), abs=1e-4)
    turns = np.diff(np.unwrap(np.arctan2(y, x)))  # y points down: growing angles are clockwise
    assert turns == pytest.approx(2 * math.pi / ORBIT_PERIOD, abs=1e-4)
    half = int(ORBIT_PERIOD) // 2
    assert (x[half], y[half]) == pytest.approx((-x[0], -y[0]), abs=1e-4)


@pytest.mark.parametrize(("motion", "period"), [("orbit", ORBIT_PERIOD), ("bounce", HOP_PERIOD)])
def test_the_phase_is_where_the_round_begins(motion: str, period: float) -> None:
    later = followed(motion, Thing(1.0, 2.0, 9.0, phase=0.25))
    now = followed(motion, Thing(1.0, 2.0, 9.0), TIMES + np.float32(period / 4))
    assert later.x == pytest.approx(now.x, abs=1e-4)
    assert later.y == pytest.approx(now.y, abs=1e-4)


@PHASES
def test_a_bounce_ends_on_the_floor_and_never_below(phase: float) -> None:
    thing = Thing(x=5.0, y=-7.0, radius=9.0, phase=phase)
    found = followed("bounce", thing, np.arange(0, 2 * HOP_PERIOD, 0.01, dtype=np.float32))
    above = FLOOR - (found.y + found.radius)
    assert above.min() >= -1e-4 and above.min() < 0.1
    assert above.max() == pytest.approx(HOP, abs=1e-3)
    assert (found.x == 5).all()
    one_hop = int(HOP_PERIOD) * 100
    assert found.y[one_hop:] == pytest.approx(found.y[:one_hop], abs=1e-3)
    turned = np.flatnonzero((above[1:-1] < above[:-2]) & (above[1:-1] <= above[2:]))
    assert len(turned) in (1, 2), "it touches the floor once in a hop"


def test_growth_is_the_same_in_every_frame() -> None:
    radius = followed("grow").radius
    assert radius[1:] / radius[:-1] == pytest.approx(math.exp(GROWTH), rel=1e-5)
    assert radius[-1] > 2 * radius[0]


def similarity(move: str, v: float, amount: float = 1.0) -> np.ndarray:
    """Where the content of the world's (0, 0), (1, 0), (0, 1) stands in the picture, as a matrix:
    the view goes from picture to world, so it is inverted.   -> 3 3"""
    seen = view(move, at((v + 0.5) * (FRAMES - 1)), amount)
    corners = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    x, y = seen.to_world(corners[:1], corners[1:])
    there = np.stack((x[0, 0], y[0, 0]))
    to_world = np.eye(3)
    to_world[:2, 2] = there[:, 0]
    to_world[:2, :2] = there[:, 1:] - there[:, :1]
    return np.linalg.inv(to_world)


def window_similarity(move: str, u: float, amount: float) -> np.ndarray:
    """The same of the windows by which training crops videos, for a picture of SIDE pixels."""
    pose = camera_moves.pose(move, u, amount)
    scale, cos, sin = 1 / pose.size, math.cos(pose.angle), math.sin(pose.angle)
    turned = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    shifted = np.array([[1, 0, -pose.x * pose.size * SIDE], [0, 1, -pose.y * pose.size * SIDE]])
    return turned @ np.diag([scale, scale, 1]) @ np.vstack((shifted, [0, 0, 1]))


def test_there_are_the_eight_moves_and_none() -> None:
    assert set(MOVES) == {"none", *camera_moves.MOVES}


@pytest.mark.parametrize("move", EIGHT)
@pytest.mark.parametrize("amount", [0.5, 1.0, 1.2])
def test_the_amounts_are_those_of_the_training_by_windows(move: str, amount: float) -> None:
    """From the first frame on; a window that zooms begins at its largest, a view in the middle."""
    for u in (0.2, 1.0):
        way = similarity(move, u - 0.5, amount) @ np.linalg.inv(similarity(move, -0.5, amount))
        first, then = (window_similarity(move, part, amount) for part in (0.0, u))
        assert way == pytest.approx(then @ np.linalg.inv(first), abs=1e-4)


TABLE: dict[str, tuple[float, float, float, float]] = {
    # move -> growth of the content, its shift right and down in pixels, its clockwise turn in
    # degrees, from the first frame to the last
    "zoom in": (1.45, 0, 0, 0),
    "zoom out": (1 / 1.45, 0, 0, 0),
    "pan left": (1, +19.2, 0, 0),
    "pan right": (1, -19.2, 0, 0),
    "tilt up": (1, 0, +15.36, 0),
    "tilt down": (1, 0, -15.36, 0),
    "roll clockwise": (1, 0, 0, +26),
    "roll anticlockwise": (1, 0, 0, -26),
}


@pytest.mark.parametrize("move", TABLE)
def test_content_goes_by_the_table_from_one_side_of_the_middle_to_the_other(move: str) -> None:
    growth, right, down, turn = TABLE[move]
    for v in (-0.5, -0.1, 0.0, 0.5):
        found = similarity(move, v)
        angle, scale = math.radians(turn * v), growth**v
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        wanted = [[cos, -sin, right * v], [sin, cos, down * v], [0, 0, 1]]
        assert found == pytest.approx(np.array(wanted), abs=1e-4)


def test_no_move_leaves_everything_where_it_is() -> None:
    for v, amount in itertools.product((-0.5, 0.5), (0.0, 2.0)):
        assert np.array_equal(similarity("none", v, amount), np.eye(3))
    for move in EIGHT:
        assert similarity(move, 0.4, amount=0.0) == pytest.approx(np.eye(3), abs=1e-6)


def test_every_point_of_every_frame_is_seen() -> None:
    px, py = np.meshgrid(np.arange(5.0), np.arange(3.0))
    x, y = view("zoom in", TIMES).to_world(px, py)
    assert x.shape == y.shape == (FRAMES, 3, 5)
    assert (np.diff(x[:, 0, 1]) < 0).all(), "the content grows: less of the world is seen"
