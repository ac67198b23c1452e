"""A camera's moves: where they lead, joined, eased, and laid over given poses."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from adk_tests.support import camera
from animatediff_kit.motion_models.adapters.camera_control.path import CameraPath
from animatediff_kit.sampling.camera_paths import CameraMove, between, camera_path, turned
from animatediff_kit.sampling.camera_picture import draw_path

HALF = 2**-0.5


@pytest.mark.parametrize(
    ("move", "stands", "looks", "above"),
    [
        # x to the right, y down, z forward
        (dict(zoom=2.0), (0, 0, 2), (0, 0, 1), (0, -1, 0)),
        (dict(right=2.0, up=1.0), (2, -1, 0), (0, 0, 1), (0, -1, 0)),
        (dict(pan=45.0), (0, 0, 0), (HALF, 0, HALF), (0, -1, 0)),
        (dict(tilt=45.0), (0, 0, 0), (0, -HALF, HALF), (0, -HALF, -HALF)),
        (dict(roll=45.0), (0, 0, 0), (0, 0, 1), (HALF, -HALF, 0)),
        (dict(orbit=90.0, radius=3.0), (3, 0, 3), (-1, 0, 0), (0, -1, 0)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_where_a_move_ends(move: dict[str, float], stands: Any, looks: Any, above: Any) -> None:
    path = camera_path(5, CameraMove(**move))
    assert path.poses[0] == pytest.approx(np.eye(4))
    last = path.poses[-1]
    assert last[:3, 3] == pytest.approx(stands, abs=1e-12)
    assert last[:3, 2] == pytest.approx(looks, abs=1e-12)
    assert -last[:3, 1] == pytest.approx(above, abs=1e-12)
    for pose in path.poses:
        assert pose[:3, :3] @ pose[:3, :3].T == pytest.approx(np.eye(3))


def test_easing_changes_the_speed_and_not_the_ends() -> None:
    even, smooth, late = (
        camera_path(9, CameraMove(zoom=1.0), easing).poses[:, 2, 3]
        for easing in ("linear", "smooth", "ease_in")
    )
    assert even == pytest.approx(np.linspace(0, 1, 9))
    for eased in (smooth, late):
        assert eased[[0, -1]] == pytest.approx([0, 1]) and (np.diff(eased) > 0).all()
    assert smooth[1] < even[1] and smooth[-2] > even[-2]
    assert late[-2] < even[-2]
    with pytest.raises(ValueError, match="^'step' is no easing of a camera's move; choose one of"):
        camera_path(4, CameraMove(), "step")


@pytest.mark.parametrize("amount", [float("nan"), float("inf")])
def test_a_move_without_an_end_is_refused(amount: float) -> None:
    with pytest.raises(ValueError, match=f"^pan of the camera's move is {amount}; moves are fin"):
        CameraMove(pan=amount)


def test_joined_moves_go_on_from_the_last_pose() -> None:
    first = camera_path(5, CameraMove(pan=90.0))
    both = camera_path(4, CameraMove(zoom=2.0), before=first)
    assert len(both) == 9
    assert both.poses[:5] == pytest.approx(first.poses)
    # forward is to the right by now, and the place of the joint is not held twice
    assert both.poses[4:, 0, 3] == pytest.approx([0, 0.5, 1, 1.5, 2])
    lens = CameraPath(first.poses, first.lenses * [2, 2, 1, 1])
    assert camera_path(2, CameraMove(), before=lens).lenses[-1] == pytest.approx(lens.lenses[-1])


def test_given_poses_are_kept_or_spread() -> None:
    given = camera.path(5)
    same = camera_path(5, CameraMove(), given=given)
    assert same.poses == pytest.approx(given.relative()) and same.lenses == pytest.approx(
        given.lenses
    )
    finer = camera_path(9, CameraMove(), given=given)
    assert finer.poses[::2] == pytest.approx(given.relative())
    steps = [np.linalg.norm(b - a) for a, b in pairwise(finer.poses[:, :3, 3])]
    assert steps[::2] == pytest.approx(steps[1::2])
    moved = camera_path(5, CameraMove(zoom=1.0), given=given)
    assert moved.poses[-1] == pytest.approx(given.relative()[-1] @ CameraMove(zoom=1.0).at(1.0))
    assert len(camera_path(3, CameraMove(), given=camera.path(1))) == 3


@pytest.mark.parametrize("degrees", [1e-7, 30.0, 170.0, 180.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_half_way_between_two_turns(axis: int, degrees: float) -> None:
    start = turned(1, 20.0)[:3, :3]
    middle = between(start, start @ turned(axis, degrees)[:3, :3], 0.5)
    halves = [turned(axis, sign * degrees / 2)[:3, :3] for sign in (1, -1)]
    off = [np.abs(middle - start @ half).max() for half in halves]
    assert off[0] < 1e-7 or (degrees == 180.0 and off[1] < 1e-7)


def test_the_picture_shows_the_path() -> None:
    still, moving, long = (
        draw_path(camera_path(frames, move))
        for frames, move in (
            (1, CameraMove()),
            (16, CameraMove(zoom=1.0, roll=30.0)),
            (500, CameraMove(orbit=300.0)),
        )
    )
    assert still.shape == moving.shape == long.shape == (1, 280, 768, 3)
    assert 0 <= float(moving.min()) and float(moving.max()) <= 1
    assert not moving.equal(still) and not moving.equal(long)
