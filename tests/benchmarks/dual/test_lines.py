"""Where a thing goes and whose colour it has, on drawn clips."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from animatediff_kit.benchmarks.dual.lines import coloured, leaks, moves, others
from animatediff_kit.small_world.sliding_clip import STILL, SlidingClip
from torch import Tensor


def sliding(way: str, colour: str) -> Tensor:
    return torch.stack(list(SlidingClip(way, replace(STILL, colour=colour)).frames(0)))


def test_others_share_neither_colour_nor_shape_with_the_clip() -> None:
    found = others(8)
    assert len(found) == 8
    for case in found:
        assert case.scene.colour != STILL.colour and case.scene.shape != STILL.shape
        assert case.scene.motion == "still"


def test_direction_and_colour_are_read_apart() -> None:
    case = replace(others(1)[0], scene=replace(STILL, colour="blue"))
    clips = [sliding("right", "blue"), sliding("left", "blue"), sliding("right", "red")]
    assert [leaks(clip, case.scene) for clip in clips] == [False, False, True]
    assert moves(clips[:2], [case, case]) == [True, False]
    assert coloured(clips, [case] * 3).value == pytest.approx(1 / 3)


def test_the_caption_tells_no_motion_and_ways_are_checked() -> None:
    assert SlidingClip("right").caption(0) == "a red circle on a gray checkered background"
    with pytest.raises(ValueError, match="'over' is no way; choose one of left, right, up, down"):
        SlidingClip("over")
