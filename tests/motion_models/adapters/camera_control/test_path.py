"""Paths of a camera and RealEstate10K's text, there and back."""

from __future__ import annotations

import numpy as np
import pytest
from adk_tests.support import camera
from animatediff_kit.motion_models.adapters.camera_control.path import read_poses, write_poses

# two lines of hehao13/CameraCtrl's assets/pose_files/0bf152ef84195293.txt
PUBLISHED = """https://www.youtube.com/watch?v=QShWPZxTDoE
158692025 0.474812461 0.844111024 0.500000000 0.500000000 0.000000000 0.000000000 0.780003667 \
0.059620168 -0.622928321 0.726968666 -0.062449891 0.997897983 0.017311305 0.217967188 0.622651041 \
0.025398925 0.782087326 -1.002211444
158958959 0.474812461 0.844111024 0.500000000 0.500000000 0.000000000 0.000000000 0.743836701 \
0.064830206 -0.665209770 0.951841944 -0.068305343 0.997446954 0.020830527 0.206496789 0.664861917 \
0.029942872 0.746365905 -1.084913992
"""
STILL = "0 0.5 0.9 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 1 0"


@pytest.mark.parametrize("address", [True, False], ids=["address", "rows alone"])
def test_the_published_examples_are_read(address: bool) -> None:
    path = read_poses(PUBLISHED if address else PUBLISHED.split("\n", 1)[1])
    assert len(path) == 2
    assert path.lenses.tolist() == [[0.474812461, 0.844111024, 0.5, 0.5]] * 2
    world_to_camera = np.linalg.inv(path.poses)
    assert world_to_camera[0, 2, 3] == pytest.approx(-1.002211444)
    assert world_to_camera[1, 0, 2] == pytest.approx(-0.665209770)
    relative = path.relative()
    assert (relative[0] == np.eye(4)).all()
    # the authors' get_relative_pose: the first frame's world-to-camera times camera-to-world
    assert relative[1] == pytest.approx(world_to_camera[0] @ path.poses[1])


def test_text_and_path_go_there_and_back() -> None:
    path = camera.path(5)
    again = read_poses(write_poses(path))
    assert again.poses == pytest.approx(path.poses, abs=1e-7)
    assert again.lenses == pytest.approx(path.lenses, abs=1e-8)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "^poses holds no camera. RealEstate10K's format has one line of 19 numbers"),
        ("https://one.address", "^poses holds no camera."),
        (
            "\n" + STILL.rsplit(" ", 1)[0],
            "^Line 2 of poses holds 18 values; RealEstate10K's format has 19: time, fx",
        ),
        (STILL[:-1] + "x", "^Line 1 of poses holds what is no number: could not convert"),
        (STILL.replace("0.5", "0", 1), "^Line 1 of poses has the focal lengths 0 and 0.9, or num"),
        (STILL[:-1] + "inf", "^Line 1 of poses has the focal lengths 0.5 and 0.9, or numbers"),
        (STILL.replace("1 0 0 0 0 1", "2 0 0 0 0 1"), "^Line 1 of poses has a matrix that does no"),
        (STILL.replace("1 0 0 0 0 1", "-1 0 0 0 0 1"), "or mirror. Check the order"),
    ],
)
def test_what_is_no_path_is_told(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_poses(text)
