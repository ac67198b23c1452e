"""The camera of drawn reference clips: the class, and the amount as a share of the clip's own."""

from __future__ import annotations

import pytest
from animatediff_kit.benchmarks.claims.controls import frozen, shuffled
from animatediff_kit.benchmarks.claims.measures.camera import (
    CAMERA_MOVES,
    Amounts,
    amounts,
    signature,
)
from animatediff_kit.benchmarks.claims.scenes import DEVELOPMENT, camera_cases


@pytest.mark.parametrize("move", CAMERA_MOVES)
def test_reference_clips_show_their_move_by_its_amount(move: str) -> None:
    for case in camera_cases(move, 3, DEVELOPMENT):
        found = signature(case.real)
        assert found.move == move
        assert amounts(found).of(move) == pytest.approx(case.scene.amount, rel=0.12)
        assert amounts(found).beside(move) < 0.06
        assert signature(frozen(case.real)).move == "none"
        assert amounts(signature(case.real.flip(0))).of(move) < -0.5
        wrong = signature(shuffled(case.real))
        assert wrong.move != move or abs(amounts(wrong).of(move)) > 2


def test_each_axis_has_two_moves() -> None:
    told = Amounts(zoom=0.5, pan=-2.0, tilt=0.25, roll=0.0)
    assert told.of("zoom in") == 0.5 and told.of("zoom out") == -0.5
    assert told.of("pan right") == 2.0 and told.beside("pan right") == 0.5
    assert told.beside("zoom in") == 2.0
