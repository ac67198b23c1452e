"""The camera of drawn reference clips: the class, and the amount as a share of the clip's own."""

from __future__ import annotations

import pytest
import torch
from animatediff_kit.benchmarks.claims.claim_camera import CAMERA_MOVES, MOST, Read, read
from animatediff_kit.benchmarks.claims.scenes import DEVELOPMENT, camera_cases, frozen, shuffled
from animatediff_kit.measures.camera_signature import CameraSignature
from animatediff_kit.small_world.motions import PAN, SIDE, TILT


def read_one(move: str, clip: torch.Tensor) -> Read:
    return read(move, [clip])[0]


@pytest.mark.parametrize("move", CAMERA_MOVES)
def test_reference_clips_show_their_move_by_its_amount(move: str) -> None:
    for case in camera_cases(move, 3, DEVELOPMENT):
        found = read_one(move, case.real)
        assert found.hit
        assert found.amount == pytest.approx(case.scene.amount, rel=0.12)
        assert found.beside < 0.06 / found.amount
        assert read_one(move, frozen(case.real)).found.move == "none"
        assert read_one(move, case.real.flip(0)).amount < -0.5
        wrong = read_one(move, shuffled(case.real))
        assert not wrong.hit or abs(wrong.amount) > 2


def test_each_axis_has_two_moves() -> None:
    """Two pans to the right, and a quarter of a tilt up."""
    pan, tilt = -2.0 * PAN, 0.25 * TILT
    way = (pan * SIDE, 100 * pan, tilt * SIDE, 100 * tilt)
    found = CameraSignature("none", *way, zoom_factor=1, roll_degrees=0, off_axis=0, steadiness=1)
    told = Read("pan right", found)
    assert told.amount == pytest.approx(2.0) and told.beside == pytest.approx(0.125)
    assert Read("pan left", found).amount == pytest.approx(-2.0)
    assert Read("tilt down", found).amount == pytest.approx(-0.25)
    assert Read("tilt down", found).beside == pytest.approx(8.0)
    assert Read("zoom in", found).amount == 0 and Read("zoom in", found).beside == MOST
