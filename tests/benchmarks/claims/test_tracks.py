"""The track of the coloured thing: where it is, which way it goes, and how smoothly; spoiled clips
are told apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from adk_tests.benchmarks.claims.drawn import straight
from animatediff_kit.benchmarks.claims.scenes import frozen, shuffled
from animatediff_kit.benchmarks.claims.tracks import (
    direction,
    smoothness,
    track,
    way,
)
from animatediff_kit.small_world import motions
from animatediff_kit.small_world.styles import STYLES


@pytest.mark.parametrize("style", STYLES)
def test_real_clips_go_where_their_captions_say_and_smoothly(style: str) -> None:
    for case in straight(style):
        found = track(case.real, case.scene)
        assert found.seen.all()
        assert direction(found) == case.scene.motion
        measured = smoothness(found)
        assert measured.residual < 0.6 and measured.area < 0.1 and measured.colour < 0.05


def test_the_track_is_the_thing_s_within_a_pixel_or_two() -> None:
    """A trail may draw it back, by the same in every frame."""
    for case in straight():
        scene, found = case.scene, track(case.real, case.scene)
        true = motions.track(scene.motion, scene.thing, np.arange(16, dtype=np.float32))
        middle = (motions.SIDE - 1) / 2
        if scene.shape in ("circle", "square", "cross"):  # whose middle is their centre of mass
            assert np.abs(found.x - true.x - middle).max() < 2
            assert np.abs(found.y - true.y - middle).max() < 2
        right, down = way(found)
        sign_right, sign_down = motions.DIRECTIONS[scene.motion]
        assert right == pytest.approx(15 * scene.thing.speed * sign_right, abs=1)
        assert down == pytest.approx(15 * scene.thing.speed * sign_down, abs=1)


def test_shuffled_and_frozen_clips_go_nowhere() -> None:
    residuals = []
    for case in straight():
        assert direction(track(frozen(case.real), case.scene)) == "none"
        found = track(shuffled(case.real), case.scene)
        assert direction(found) != case.scene.motion
        residuals.append(
            smoothness(found).residual / smoothness(track(case.real, case.scene)).residual
        )
    assert np.median(residuals) > 10


def test_another_colour_is_lost() -> None:
    case = next(case for case in straight() if case.scene.colour == "blue")
    grey = case.real.mean(-1, keepdim=True).expand_as(case.real)
    found = track(grey, case.scene)
    assert not found.seen.any() and direction(found) == "none"
    assert smoothness(found).lost == 1 and math.isnan(smoothness(found).residual)


def test_a_thing_that_comes_and_goes_is_told() -> None:
    case = straight()[0]
    ground = torch.zeros_like(case.real[0]) + case.real[0, 0, 0]
    clip = case.real.clone()
    clip[4:8] = ground
    found = smoothness(track(clip, case.scene))
    assert found.lost == 0.25 and found.residual < 0.6
