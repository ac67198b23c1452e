"""Seams: each fault is seen by the figure meant for it, a smooth clip passes all, and chance is a
probability."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from animatediff_kit.measures.motion_measures import measure_motion
from animatediff_kit.measures.seams import (
    Seams,
    SeamTriple,
    cells_of,
    compared,
    measure_seams,
    motion_departures,
    seams_of,
    shifted,
)
from animatediff_kit.sampling.windows import SCHEDULES, WindowSettings, windows_of
from torch import Tensor

from ..support.moving import camera, noisy

FRAMES, SIZE = 64, (64, 64)
STARTS = (12, 24, 36, 48)
SEAMS = seams_of(windows_of(FRAMES, WindowSettings(16, 4)), FRAMES)
CUTS = seams_of(windows_of(FRAMES, WindowSettings(16, 0)), FRAMES)


def drawn(noise: float = 0.01, seed: int = 0, **motion: Any) -> Tensor:
    return noisy(camera(FRAMES, pan=0.8, tilt=0.4, size=SIZE, **motion), noise, seed)


@functools.cache
def smooth() -> Tensor:
    return drawn()


def jumping(starts: tuple[int, ...] = STARTS, noise: float = 0.01) -> Tensor:
    """A pixel further at the start of every window."""
    return drawn(noise, jumps={start: (1.0, 0.0, 1.0) for start in starts})


def zooming() -> Tensor:
    """Larger by 1.5 % at the start of every window."""
    return drawn(jumps={start: (0.0, 0.0, 1.015) for start in STARTS})


def flashing() -> Tensor:
    """Every other window 3 % brighter."""
    clip = smooth().clone()
    for frame in range(FRAMES):
        clip[frame] *= 1 + 0.03 * (sum(frame >= start for start in STARTS) % 2)
    return clip


def blurred() -> Tensor:
    """The frames that windows share are means of two pictures, 4 pixels apart."""
    clip, shared = smooth().clone(), sorted(SEAMS.frames)
    left = drawn(seed=1, jumps={0: (-2, 0, 1)})
    right = drawn(seed=2, jumps={0: (2, 0, 1)})
    clip[shared] = (left[shared] + right[shared]) / 2
    return clip


def reversed_window() -> Tensor:
    """The third window runs backwards."""
    clip = smooth().clone()
    clip[24:36] = clip[24:36].flip(0)
    return clip


def triple(clip: Tensor, seams: Seams = SEAMS) -> SeamTriple:
    return measure_seams(measure_motion(clip), seams)


def test_a_smooth_clip_passes() -> None:
    for clip in (smooth(), drawn(noise=0.03)):
        found = triple(clip)
        assert found.passes
        assert found.warp.effect == pytest.approx(0, abs=0.05)
        assert found.sharpness.effect == pytest.approx(0, abs=0.05)
        assert abs(found.motion.effect or 1) < 0.05
    assert triple(smooth(), CUTS).passes


@pytest.mark.parametrize(
    ("change", "seen_by"),
    [
        (jumping, "motion"),
        (zooming, "motion"),
        (reversed_window, "motion"),
        (flashing, "warp"),
        (blurred, "sharpness"),
    ],
)
def test_each_fault_is_seen_by_its_figure(change: Callable[[], Tensor], seen_by: str) -> None:
    found = triple(change())
    assert not found.passes
    assert not getattr(found, seen_by).passes


def test_what_a_figure_is_blind_to() -> None:
    """Why there are three."""
    assert triple(jumping()).warp.passes and triple(jumping()).sharpness.passes
    assert triple(flashing()).sharpness.passes and triple(flashing()).motion.passes


def test_blur_lowers_the_warp_error_and_counts() -> None:
    found = triple(blurred())
    assert found.sharpness.effect is not None and found.sharpness.effect < -0.1
    assert found.sharpness.at_seams is not None and found.sharpness.elsewhere is not None
    assert found.sharpness.at_seams < found.sharpness.elsewhere


def test_the_size_of_a_jump() -> None:
    measures = measure_motion(jumping(noise=0.002))
    steps = motion_departures(measures.cells)
    assert [t for t, value in enumerate(steps) if value > 0.5] == [11, 23, 35, 47]
    assert steps[[11, 23, 35, 47]] == pytest.approx(1, abs=0.1)
    found = measure_seams(measures, SEAMS).motion  # on the way into every overlap, not out
    assert found.at_seams == pytest.approx(1 / 2, abs=0.05)
    assert found.elsewhere == pytest.approx(0, abs=0.03)


def test_a_change_elsewhere_is_no_seam() -> None:
    found = triple(jumping((6, 19, 31, 43)))
    assert found.motion.effect is not None and found.motion.effect < 0
    assert found.motion.passes


def test_windows_without_overlap_that_do_not_know_each_other() -> None:
    strangers = [noisy(camera(16, pan=0.8, size=SIZE, seed=seed), 0.01) for seed in range(4)]
    found = triple(torch.cat(strangers), CUTS)
    assert not found.motion.passes and not found.warp.passes


def test_seams_lie_where_windows_change() -> None:
    assert SEAMS.frames == {t + i for t in STARTS for i in range(4)}
    assert SEAMS.steps == {t + i for t in STARTS for i in (-1, 3)}
    assert CUTS == Seams(frozenset({15, 31, 47}), frozenset({15, 16, 31, 32, 47, 48}))
    wide = seams_of(windows_of(32, WindowSettings(16, 12)), 32)
    assert wide.steps == {3, 7, 11, 15, 19, 23, 27}
    assert wide.frames == wide.steps | {t + 1 for t in wide.steps}  # most frames are shared
    assert seams_of(windows_of(16, WindowSettings(16, 4)), 16) == Seams(frozenset(), frozenset())


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_leaves_something_between_its_seams(schedule: str) -> None:
    for overlap in (0, 4, 8, 12):
        seams = seams_of(windows_of(48, WindowSettings(16, overlap, 1, schedule)), 48)
        assert 0 < len(seams.steps) < 47 and seams.steps <= set(range(47))
        assert 0 < len(seams.frames) <= 48


def test_seams_go_round_their_cells() -> None:
    cells = cells_of(frozenset({4, 5, 10}), 13)
    assert cells == [([4, 5], list(range(8))), ([10], list(range(8, 13)))]
    assert shifted(*cells[1]).tolist() == [[10], [11], [12], [8], [9]]
    assert shifted(*cells[0]).tolist() == [
        *([4, 5], [5, 6], [6, 7], [7, 0]),
        *([0, 1], [1, 2], [2, 3], [3, 4]),
    ]


def test_chance_is_that_of_all_permutations() -> None:
    values = np.array([1.0, 1, 9, 1, 1, 1, 8, 1])
    found = compared(values, frozenset({2, 6}))
    assert found.at_seams == 8.5 and found.elsewhere == 1
    assert found.chance == found.least_chance == 2 / (5 * 3)  # it might as well be lower
    assert found.effect == pytest.approx(7.5)
    pixels = compared(values, frozenset({2, 6}), unit=3.0)
    assert pixels.chance == pixels.least_chance == 1 / (5 * 3)
    assert pixels.effect == 2.5
    assert compared(values, frozenset({0, 4}), 1.0).chance == 1  # nothing is lower
    alone = compared(values, frozenset({2}))
    assert alone.least_chance == 2 / 8 and alone.passes  # one seam cannot be told from chance
    assert not alone.enough and compared(np.ones(40), frozenset({9, 19, 29})).enough


def test_chance_is_calibrated() -> None:
    """Without seams, 5 of 100 clips have a chance below 5 %, and no more."""
    generator = np.random.default_rng(1)
    chances = []
    for _ in range(300):
        values = np.exp(0.3 * generator.standard_normal(63))
        chance = compared(values, SEAMS.steps).chance
        assert chance is not None
        chances.append(chance)
    share = np.mean(np.array(chances) < 0.05)
    assert 0.02 < share < 0.08
    assert np.mean(chances) == pytest.approx(0.5, abs=0.05)


def test_what_cannot_be_compared_is_left_out() -> None:
    nothing = compared(np.ones(8), frozenset())
    assert nothing.effect is None and nothing.passes
    everywhere = compared(np.ones(3), frozenset({0, 1, 2}))
    assert everywhere.chance is None
    flat = compared(np.zeros(20), frozenset({5, 10}))
    assert flat.at_seams == 0 and flat.effect == 0
    appeared = np.zeros(40)
    appeared[[5, 20, 30]] = 0.01
    assert not compared(appeared, frozenset({5, 20, 30})).passes  # though nothing is elsewhere
    holes = np.ones(20)
    holes[[5, 6]] = math.nan
    assert compared(holes, frozenset({5, 10})).effect is None
    assert triple(torch.full((FRAMES, 64, 64, 3), 0.5)).passes
