"""The camera's signature: the eight moves at several speeds and under noise, its amounts, and clips
that are no camera move."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from animatediff_kit.measures.camera_signature import (
    MOVES,
    Affine,
    CameraSignature,
    camera_signature,
    fit_affine,
)
from animatediff_kit.measures.flow import pairs
from animatediff_kit.training.data import camera_moves
from animatediff_kit.training.data.image_clips import StillClips
from torch import Tensor

from ..support.moving import camera, noisy, shuffled, with_square


def signature(clip: Tensor) -> CameraSignature:
    motions = [fit_affine(pair.flow) for pair in pairs(clip)]
    return camera_signature(motions, clip.shape[1], clip.shape[2])


EIGHT: dict[str, Any] = {
    # at speed 1: what displaces an average point by a pixel a frame
    "zoom in": lambda speed: {"zoom": 1 + speed / 49},
    "zoom out": lambda speed: {"zoom": 1 / (1 + speed / 49)},
    "pan left": lambda speed: {"pan": speed},
    "pan right": lambda speed: {"pan": -speed},
    "tilt up": lambda speed: {"tilt": speed},
    "tilt down": lambda speed: {"tilt": -speed},
    "roll clockwise": lambda speed: {"roll": math.degrees(speed / 49)},
    "roll anticlockwise": lambda speed: {"roll": -math.degrees(speed / 49)},
}


def test_the_eight_moves_have_their_names() -> None:
    names = {name for both in MOVES.values() for name in both}
    assert names == set(EIGHT) == set(camera_moves.MOVES)


@pytest.mark.parametrize("move", EIGHT)
def test_training_clips_of_a_move_are_named(move: str) -> None:
    """By the amounts that the clips are made with; a pan is against the window's way."""
    picture = camera(1, seed=3, size=(320, 320), jumps={0: (0, 0, 2.5)})  # the window shrinks it
    clips = camera_moves.CameraMove(StillClips(picture, "waves", 16, 128, 128), move, jitter=0)
    found = signature(clips.read(0).frames)
    assert found.move == move and found.off_axis < 0.1
    kind = next(kind for kind, both in MOVES.items() if move in both)
    sign = 1 if move == MOVES[kind][0] else -1
    if kind == "zoom":
        assert found.zoom_factor == pytest.approx(camera_moves.ZOOM**sign, rel=0.01)
    elif kind == "roll":
        turn = sign * math.degrees(camera_moves.ROLL)
        assert found.roll_degrees == pytest.approx(turn, rel=0.02)
    else:
        percent = {"pan": found.pan_percent, "tilt": found.tilt_percent}[kind]
        way = {"pan": camera_moves.PAN, "tilt": camera_moves.TILT}[kind]
        assert percent == pytest.approx(sign * 100 * way, rel=0.02)


@pytest.mark.parametrize("move", EIGHT)
@pytest.mark.parametrize(("speed", "noise"), [(0.5, 0), (1, 0.02), (2, 0), (3, 0.02), (2, 0.08)])
def test_a_move_is_named(move: str, speed: float, noise: float) -> None:
    for seed in range(2):
        clip = camera(8, seed=seed, **EIGHT[move](speed))
        found = signature(noisy(clip, noise, seed) if noise else clip)
        assert found.move == move
        assert found.off_axis < 0.2
        assert found.steadiness > 0.9


def test_the_amounts_are_sums_over_the_clip() -> None:
    found = signature(camera(9, pan=1.5, size=(96, 160)))
    assert found.pan_pixels == pytest.approx(12, abs=0.2)
    assert found.pan_percent == pytest.approx(7.5, abs=0.15)
    assert abs(found.tilt_percent) < 0.2 and abs(found.roll_degrees) < 0.1
    found = signature(camera(9, tilt=-1.5, size=(96, 160)))
    assert found.tilt_pixels == pytest.approx(-12, abs=0.2)
    assert found.tilt_percent == pytest.approx(-12.5, abs=0.2)
    found = signature(camera(9, zoom=1.02))
    assert found.zoom_factor == pytest.approx(1.02**8, abs=0.003)
    found = signature(camera(9, roll=1))
    assert found.roll_degrees == pytest.approx(8, abs=0.1)


def test_signed_speed_follows_the_strength() -> None:
    found = [signature(camera(6, pan=speed)).pan_pixels for speed in (-2, -1, 0, 0.5, 1, 3)]
    assert found == sorted(found)
    assert abs(found[2]) < 0.1


def test_what_is_no_single_move_has_no_name() -> None:
    pan = camera(16, pan=2)
    assert signature(pan).move == "pan left"
    assert signature(pan.flip(0)).move == "pan right"
    assert signature(noisy(pan[:1].repeat(16, 1, 1, 1), 0.02)).move == "none"
    assert signature(pan[:1].repeat(4, 1, 1, 1)).move == "none"
    for seed in range(3):
        assert signature(shuffled(pan, seed)).move == "none"
    there_and_back = torch.cat((pan, pan[4:-1].flip(0)))
    assert signature(there_and_back).move == "none"
    assert signature(camera(8, pan=2, tilt=2)).move == "none"
    assert signature(torch.cat([camera(1, seed=seed) for seed in range(8)])).move == "none"
    assert signature(torch.full((3, 64, 64, 3), 0.5)).move == "none"


def test_moving_things_are_not_the_camera() -> None:
    still = camera(1).repeat(12, 1, 1, 1)
    found = signature(with_square(still, 48, 4))
    assert found.move == "none" and abs(found.pan_pixels) < 0.5
    found = signature(with_square(camera(12, tilt=-1), 48, 4))
    assert found.move == "tilt down"
    assert found.tilt_pixels == pytest.approx(-11, abs=0.5)


def test_the_fit_ignores_a_minority() -> None:
    """A third of the flow goes elsewhere; an ordinary least squares fit would follow."""
    y, x = np.mgrid[:64, :96] - np.array([31.5, 47.5])[:, None, None]
    flow = np.stack((1 + 0.02 * x - 0.03 * y, -2 + 0.03 * x + 0.02 * y), -1)
    flow[:, :32] = (9, 9)
    found = fit_affine(flow)
    assert np.allclose(found.shift, (1, -2), atol=1e-6)
    assert np.allclose(found.linear, [[0.02, -0.03], [0.03, 0.02]], atol=1e-6)


def test_scale_and_angle_of_a_similarity() -> None:
    turn = math.radians(-3)
    matrix = 1.1 * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    motion = Affine(np.zeros(2), matrix - np.eye(2))
    assert motion.scale() == pytest.approx(1.1) and motion.angle() == pytest.approx(turn)
