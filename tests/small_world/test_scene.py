"""What is drawn: things that go where their captions say, stills that show it, and the camera's
moves over it all."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from animatediff_kit.measures.camera_signature import CameraSignature
from animatediff_kit.measures.motion_measures import measure_motion
from animatediff_kit.small_world.motions import FLOOR, FRAMES, GROWTH, MOVES, SIDE, track
from animatediff_kit.small_world.scene import Scene, draw
from animatediff_kit.small_world.styles import STYLES
from animatediff_kit.small_world.words import COLOURS, GROUNDS, MOTIONS, PATTERNS, SHAPES

from .looks import PLACES, TIMES, centre, scene, share

EIGHT = [move for move in MOVES if move != "none"]
EVERY_MOVE = pytest.mark.parametrize("move", EIGHT)
EVERY_SHAPE = pytest.mark.parametrize("shape", SHAPES)
X, Y = np.meshgrid(PLACES, PLACES)


def drawn(seen: Scene, *times: float) -> np.ndarray:
    """At these times; at all of a clip's without."""
    return draw(seen, np.array(times, dtype=np.float32) if times else TIMES)


def still_share(seen: Scene, time: float = 7.5) -> np.ndarray:
    """-> h w"""
    return share(drawn(seen, time), seen)[0]


@pytest.mark.parametrize("style", STYLES)
def test_everything_can_be_drawn(style: str) -> None:
    for motion, shape, pattern in product(MOTIONS, SHAPES, PATTERNS):
        frames = drawn(scene(motion, shape=shape, pattern=pattern, style=style), 0, 15)
        assert frames.shape == (2, SIDE, SIDE, 3) and frames.dtype == np.float32
        assert frames.min() >= 0 and frames.max() <= 1 and frames.std() > 0.01


def test_the_caption_says_what_is_drawn() -> None:
    seen = scene("up", shape="cross", colour="orange", ground="teal", pattern="checkered")
    assert seen.caption == "an orange cross moving up on a teal checkered background"


@pytest.mark.parametrize(
    "other",
    [
        {"shape": "square"},
        {"colour": "blue"},
        {"motion": "left"},
        {"ground": "gray"},
        {"pattern": "plain"},
        {"turn": 0.3},
        {"camera": "zoom out"},
        {"amount": 0.8},
        {"style": "neon"},
        *({"place": {name: 0.7}} for name in ("x", "y", "radius", "speed", "phase")),
    ],
)
def test_all_of_a_scene_is_seen(other: dict[str, Any]) -> None:
    motion = "orbit" if "phase" in other.get("place", {}) else "right"
    looks = {"motion": motion, "pattern": "gradient", "camera": "zoom in", "amount": 1.0}
    one, two = drawn(scene(**looks), 2), drawn(scene(**{**looks, **other}), 2)
    assert np.abs(one - two).max() > 0.02


@EVERY_SHAPE
@pytest.mark.parametrize(
    ("motion", "way"),
    [("left", (-1, 0)), ("right", (1, 0)), ("up", (0, -1)), ("down", (0, 1)), ("still", (0, 0))],
)
def test_a_thing_goes_the_way_its_caption_says(
    shape: str, motion: str, way: tuple[float, float]
) -> None:
    seen = scene(motion, {"x": 1.3, "y": -1.6, "speed": 1.1}, shape=shape)
    steps = np.diff(centre(share(drawn(seen), seen)), axis=0)
    assert steps == pytest.approx(np.tile(1.1 * np.array(way), (15, 1)), abs=0.03)


def test_an_orbit_closes_and_goes_round_the_middle() -> None:
    seen = scene("orbit", {"radius": 5, "phase": 0.1})
    frames = drawn(seen, *range(21))
    assert frames[20] == pytest.approx(frames[0], abs=1e-3)
    assert np.abs(frames[10] - frames[0]).max() > 0.5
    x, y = (frames[:20, ..., 0] > 0.8).nonzero()[1:][::-1]
    assert (PLACES[x].mean(), PLACES[y].mean()) == pytest.approx((0, 0), abs=0.1)


@EVERY_SHAPE
@pytest.mark.parametrize("phase", [0.0, 0.37])
def test_what_bounces_stays_above_the_floor(shape: str, phase: float) -> None:
    seen = scene("bounce", {"radius": 10, "phase": phase}, shape=shape)
    thing = share(drawn(seen, *np.arange(0, 10, 0.1)), seen)
    assert thing[:, Y > FLOOR + 1].max() < 0.02
    lowest = [PLACES[frame.max(1) > 0.9].max() for frame in thing]
    assert max(lowest) > FLOOR - 3.5 and min(lowest) < FLOOR - 18


def test_a_shadow_lies_beneath_what_bounces() -> None:
    seen = scene("bounce", {"x": 5, "phase": 0.5}, ground="white")  # at its highest at first
    frames = drawn(seen, 0, 2)
    dark = (np.array(GROUNDS["white"]) - frames).sum(-1) * (Y > 11)
    assert dark.min() > -1e-6 and dark[0] == pytest.approx(dark[1], abs=1e-6)
    assert centre(dark[:1])[0] == pytest.approx((5, FLOOR + 1.5), abs=0.05)
    columns = PLACES[dark[0].max(0) > 0.01]
    assert np.ptp(columns) == pytest.approx(2 * 8, abs=2)
    lifted = scene("still", {"x": 5, "y": -12}, ground="white")
    assert still_share(lifted, 0)[Y > 11] == pytest.approx(0, abs=1e-6)


def test_growing_grows() -> None:
    seen = scene("grow", {"radius": 10})
    areas = (share(drawn(seen), seen) > 0.5).sum((1, 2))
    assert (np.diff(areas) > 0).all()
    assert areas[-1] / areas[0] == pytest.approx(math.exp(2 * GROWTH * (FRAMES - 1)), rel=0.05)


@EVERY_SHAPE
@pytest.mark.parametrize("style", ["base", "outlined"])
def test_edges_move_smoothly(shape: str, style: str) -> None:
    """A tenth of a pixel at a time: every step changes a little, and leads farther away."""
    tenths = np.arange(11) / 10
    scenes = [scene(place={"x": x, "y": 0.3}, shape=shape, style=style) for x in tenths]
    shares = np.stack([still_share(seen) for seen in scenes])
    assert 0.02 < np.abs(np.diff(shares, axis=0)).max() < 0.101
    away = np.abs(shares - shares[0]).sum((1, 2))
    assert (np.diff(away) > 0.5).all()
    assert centre(shares)[:, 0] == pytest.approx(tenths + centre(shares)[0, 0], abs=0.02)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("motion", [motion for motion in MOTIONS if motion != "still"])
def test_a_still_shows_the_motion(motion: str, style: str) -> None:
    """It is unlike a still of what rests at the same place."""
    moves = scene(motion, {"phase": 0.2}, style=style)
    now = track(motion, moves.thing, np.array([4], dtype=np.float32))
    place = {name: float(getattr(now, name)[0]) for name in ("x", "y", "radius")}
    rests = scene("still", place, style=style)
    unlike = np.abs(drawn(moves, 4) - drawn(rests, 4)).max(-1)
    assert (unlike > 0.04).sum() > 20


@pytest.mark.parametrize(
    ("motion", "behind"), [("left", X), ("right", -X), ("up", Y), ("down", -Y)]
)
@pytest.mark.parametrize(("name", "end"), [("black", 1.0), ("white", 0.0), ("teal", 1.0)])
def test_a_tail_is_behind_what_moves(
    motion: str, behind: np.ndarray, name: str, end: float
) -> None:
    """White on dark grounds, black on light ones; thinner and fainter the further behind."""
    ground = np.array(GROUNDS[name])
    frame = drawn(scene(motion, {"speed": 1.5}, ground=name), 7.5)[0]  # radius 8, in the middle
    way = ((frame - ground) / (end - ground)).mean(-1)
    assert way[behind < -9] == pytest.approx(0, abs=1e-6)
    across = np.minimum(np.abs(X), np.abs(Y))
    shown = {9.5: 0.955, 13.5: 0.865, 17.5: 0.73, 20.5: 0.4, 24.5: 0.0}
    for depth, expected in shown.items():
        assert way[(across < 1) & (behind == depth)] == pytest.approx(expected, abs=0.002), depth
    wide = [(way[behind == depth] > 0.2).sum() for depth in (11.5, 15.5, 18.5, 21.5)]
    assert (np.diff(wide) < 0).all()


def test_the_trail_of_an_orbit_is_on_its_way() -> None:
    seen = scene("orbit", {"radius": 6})
    where = [track("orbit", seen.thing, np.array([t], dtype=np.float32)) for t in (5, 11, 17)]
    behind, here, ahead = (
        still_share(seen, 11)[np.hypot(X - at.x, Y - at.y) < 1.5].mean() for at in where
    )
    assert (here, ahead) == pytest.approx((1, 0), abs=1e-3) and behind > 0.1


def test_a_halo_is_around_what_grows() -> None:
    seen = still_share(scene("grow", {"radius": 10}))
    distance = np.hypot(X, Y)
    assert seen[distance < 9] == pytest.approx(1, abs=1e-6)
    assert seen[(distance > 11) & (distance < 11.9)] == pytest.approx(0, abs=1e-6)
    assert seen[np.abs(distance - 13.5) < 0.4] == pytest.approx(0.35, abs=1e-3)
    assert seen[distance > 15.1] == pytest.approx(0, abs=1e-6)
    rests = still_share(scene("still", {"radius": 10}))
    assert rests[distance > 11] == pytest.approx(0, abs=1e-6)


def ground(pattern: str, turn: float = 0.0, name: str = "gray") -> np.ndarray:
    """What is seen where the thing is not, all else being equal.   -> h w 3"""
    away = {"x": 200.0, "y": 200.0}
    return drawn(scene(place=away, ground=name, pattern=pattern, turn=turn), 0)[0]


def test_grounds_have_their_patterns() -> None:
    assert ground("plain") == pytest.approx(np.tile(GROUNDS["gray"], (SIDE, SIDE, 1)), abs=1e-6)
    gradient = ground("gradient")[..., 0]
    assert np.ptp(gradient, axis=0) == pytest.approx(0, abs=1e-6)
    assert np.abs(np.diff(gradient, axis=1)).max() < 0.02 < 0.15 < np.ptp(gradient[0])
    checkered = ground("checkered")[..., 0]
    cells = checkered.reshape(4, 16, 4, 16)[:, 6:10, :, 6:10].mean((1, 3))
    dark = np.add.outer(range(4), range(4)) % 2 == 0
    assert len(np.unique(cells.round(4)[dark])) == len(np.unique(cells.round(4)[~dark])) == 1
    assert np.abs(cells[0, 0] - cells[0, 1]) > 0.1


def test_patterns_can_be_turned() -> None:
    for pattern in ("gradient", "checkered"):
        quarter = ground(pattern, math.pi / 2)
        clockwise = np.rot90(ground(pattern), k=-1)
        assert quarter == pytest.approx(clockwise, abs=1e-5)
        assert np.abs(ground(pattern, 0.3) - ground(pattern)).max() > 0.01


@pytest.mark.parametrize("neon", [False, True])
def test_everything_can_be_told_from_its_ground(neon: bool) -> None:
    style = "neon" if neon else "base"
    for colour, name, pattern in product(COLOURS, GROUNDS, ("plain", "gradient", "checkered")):
        looks = dict(colour=colour, ground=name, pattern=pattern, style=style)
        thing = drawn(scene(**looks), 0)[0, SIDE // 2, SIDE // 2]
        around = drawn(scene(place={"x": 200.0}, **looks), 0)[0]
        assert np.linalg.norm(around - thing, axis=-1).min() > 0.3


@pytest.mark.parametrize(
    ("move", "first", "last"),
    [
        # where a thing at (9, -6) is seen in the first and in the last frame
        ("none", (9, -6), (9, -6)),
        ("zoom in", (7.474, -4.983), (10.837, -7.225)),
        ("zoom out", (10.837, -7.225), (7.474, -4.983)),
        ("pan left", (-0.6, -6), (18.6, -6)),
        ("pan right", (18.6, -6), (-0.6, -6)),
        ("tilt up", (9, -13.68), (9, 1.68)),
        ("tilt down", (9, 1.68), (9, -13.68)),
        ("roll clockwise", (7.420, -7.871), (10.119, -3.822)),
        ("roll anticlockwise", (10.119, -3.822), (7.420, -7.871)),
    ],
)
def test_the_content_goes_where_the_move_takes_it(
    move: str, first: tuple[float, float], last: tuple[float, float]
) -> None:
    seen = scene(place={"x": 9, "y": -6, "radius": 4}, camera=move)
    found = centre(share(drawn(seen), seen))
    assert found[0] == pytest.approx(first, abs=0.03)
    assert found[-1] == pytest.approx(last, abs=0.03)


def test_the_camera_adds_to_what_moves_by_itself() -> None:
    seen = scene("right", {"speed": 0.9, "radius": 5}, camera="pan left", amount=0.5)
    steps = np.diff(centre(share(drawn(seen), seen)), axis=0)
    assert steps[:, 0] == pytest.approx(0.9 + 0.5 * 19.2 / (FRAMES - 1), abs=0.03)


def camera_of(move: str, **more: Any) -> CameraSignature:
    looks = dict(pattern="checkered", ground="pink", turn=0.2, camera=move)
    seen = scene(place={"x": -3, "y": 2}, **looks, **more)
    return measure_motion(torch.from_numpy(drawn(seen))).camera()


@EVERY_MOVE
def test_the_move_is_seen_as_what_it_is(move: str) -> None:
    found = camera_of(move)
    assert found.move == move and found.off_axis < 0.1 and found.steadiness > 0.95
    sign = 1 if move in ("zoom in", "pan left", "tilt up", "roll clockwise") else -1
    if "zoom" in move:
        assert found.zoom_factor == pytest.approx(1.45**sign, rel=0.04)
    elif "roll" in move:
        assert found.roll_degrees == pytest.approx(sign * 26, rel=0.06)
    else:
        percent, way = (found.pan_percent, 30) if "pan" in move else (found.tilt_percent, 24)
        assert percent == pytest.approx(sign * way, rel=0.06)


def test_nothing_is_seen_of_a_camera_that_rests() -> None:
    assert camera_of("none").move == "none"


def test_half_the_amount_is_half_the_move() -> None:
    whole, half = (camera_of("pan right", amount=amount).pan_pixels for amount in (1.0, 0.5))
    assert half == pytest.approx(whole / 2, rel=0.06)
