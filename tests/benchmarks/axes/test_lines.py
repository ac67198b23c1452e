"""The lines of the axes on drawn clips, which do just what they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from animatediff_kit.benchmarks.axes.lines import (
    SIGNED,
    Bench,
    opposed,
    over_strengths,
    share_kept,
)
from animatediff_kit.benchmarks.claims.claim_camera import Read, Scenes, rank_correlation, read
from animatediff_kit.benchmarks.claims.scenes import DEVELOPMENT, Case, camera_cases
from animatediff_kit.small_world.axis_clips import AXES, AxisClips
from animatediff_kit.small_world.draw import clip_frames


@dataclass(frozen=True)
class Drawn(Bench):
    """Draws the moves instead of sampling them."""

    def read(
        self, move: str, scenes: Scenes, shown: str, amounts: Sequence[tuple[str, float]]
    ) -> list[Read]:
        return read(shown, [drawn(case, amounts) for case in scenes[move]])


def drawn(case: Case, amounts: Sequence[tuple[str, float]]) -> torch.Tensor:
    scene = replace(case.scene, camera="none", more=tuple(amounts))
    return torch.from_numpy(clip_frames(scene))


BENCH = Drawn(studio=None, files={}, steps=1)  # pyright: ignore[reportArgumentType]


def scenes(*moves: str, count: int = 1) -> dict[str, list[Any]]:
    return {move: camera_cases(move, count, DEVELOPMENT) for move in moves}


def test_strength_and_amount_rise_together_from_one_move_to_its_opposite() -> None:
    there, back = AXES["tilt"]
    for told in over_strengths(BENCH, scenes(there), there, back):
        assert told == pytest.approx(SIGNED, abs=0.1) and rank_correlation(told) == 1.0


def test_opposites_leave_nothing_and_two_axes_keep_what_they_have_alone() -> None:
    firsts = [moves[0] for moves in AXES.values()]
    alone = dict.fromkeys(firsts, 1.0)
    for figure in opposed(BENCH, scenes(*firsts, count=2), alone):
        assert figure.holds and figure.estimate.value < 0.02
    both = ("pan left", "roll clockwise")
    for move in both:
        found = BENCH.read("pan left", scenes("pan left"), move, [(one, 1.0) for one in both])
        assert share_kept(found, alone) == pytest.approx([1.0], abs=0.2)


def test_the_clips_that_axes_are_trained_on_move_by_their_amounts() -> None:
    clips = AxisClips(6)
    assert len({clips.amounts(index) for index in range(6)}) == 6
    for index in range(3):
        frames = clips.read(index).frames
        for (move, _), amount in zip(AXES.values(), clips.amounts(index), strict=True):
            assert read(move, [frames])[0].amount == pytest.approx(amount, abs=0.15)
