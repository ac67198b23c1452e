"""The picture of the windows: a row for each, a column for each frame, brighter where it counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from animatediff_kit.sampling.fuse import FUSE_METHODS
from animatediff_kit.sampling.window_picture import (
    BACKGROUND,
    COLOURS,
    GAP,
    LABELS,
    MOST_ROWS,
    ROW,
    STEPS,
    WIDTH,
    bar,
    draw_windows,
    shares,
)
from animatediff_kit.sampling.windows import SCHEDULES, WindowSettings, windows_of


@pytest.mark.parametrize("fuse", FUSE_METHODS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_shares_of_a_frame_sum_to_one(schedule: str, fuse: str) -> None:
    settings = WindowSettings(7, 3, 2, schedule, fuse)
    for step in range(STEPS):
        windows, table = shares(40, settings, step)
        assert windows == windows_of(40, settings, step)
        assert table.shape == (len(windows), 40)
        np.testing.assert_allclose(table.sum(axis=0), 1.0, atol=1e-12)
        for window, row in zip(windows, table, strict=True):
            assert set(np.flatnonzero(row)) == set(window)


def rows(picture: torch.Tensor, count: int) -> torch.Tensor:
    """The middles of the first step's strips, in 0..255.   -> rows columns 3"""
    middle = [GAP + ROW + ROW // 2 + i * ROW for i in range(count)]
    return (picture[0, middle, LABELS : WIDTH - 4] * 255).round()


def test_a_row_is_lit_where_its_window_lies() -> None:
    settings = WindowSettings(16, 4)
    picture = draw_windows(40, settings)
    windows = windows_of(40, settings)
    strips = rows(picture, len(windows))
    background = torch.tensor(BACKGROUND, dtype=torch.float32)
    for window, strip in zip(windows, strips, strict=True):
        lit = (strip != background).any(dim=-1)
        for frame in range(40):
            column = round((frame + 0.5) * strip.shape[0] / 40)
            assert bool(lit[column]) is (frame in window), (window, frame)


def test_a_frame_of_one_window_has_its_full_colour() -> None:
    strips = rows(draw_windows(40, WindowSettings(16, 4)), 3)
    for strip, colour, frame in zip(strips, COLOURS, (2, 20, 38), strict=False):
        column = round((frame + 0.5) * strip.shape[0] / 40)
        assert strip[column].tolist() == list(colour)


def test_brighter_where_it_counts_more() -> None:
    strip = np.asarray(bar(np.array([0.0, 0.1, 0.5, 1.0]), COLOURS[0]), dtype=float)[0]
    light = [strip[round((i + 0.5) * len(strip) / 4)].sum() for i in range(4)]
    assert light == sorted(light) and len(set(light)) == 4
    assert light[0] == sum(BACKGROUND) and light[3] == sum(COLOURS[0])


def test_moving_windows_are_shown_step_by_step() -> None:
    settings = WindowSettings(16, 4, schedule="standard_uniform")
    counts = [len(windows_of(64, settings, step)) for step in range(STEPS)]
    height = sum(counts) * ROW + STEPS * (ROW + GAP) + GAP
    assert draw_windows(64, settings).shape == (1, height, WIDTH, 3)
    static = draw_windows(64, WindowSettings(16, 4))
    assert static.shape == (1, 5 * ROW + ROW + 2 * GAP, WIDTH, 3)


@pytest.mark.parametrize(("frames", "length"), [(1, 16), (16, 16), (17, 16), (4096, 16)])
def test_any_number_of_frames(frames: int, length: int) -> None:
    picture = draw_windows(frames, WindowSettings(length, 4))
    assert picture.dtype == torch.float32 and picture.shape[2:] == (WIDTH, 3)
    assert 0.0 <= picture.min() and picture.max() <= 1.0 and picture.isfinite().all()


def test_very_many_windows_make_no_picture_that_fills_memory() -> None:
    """At the widgets' own ends: 26,316 windows would be a picture of 368,424 rows."""
    settings = WindowSettings(2, 1, 16, "standard_uniform")
    picture = draw_windows(4096, settings)
    assert picture.shape == (1, STEPS * (MOST_ROWS * ROW + ROW + GAP) + GAP, WIDTH, 3)
    windows, table = shares(4096, settings, 0)
    assert len(windows) > MOST_ROWS == len(table)
    whole = shares(4096, settings, 0, most=len(windows))[1]
    np.testing.assert_array_equal(table, whole[:MOST_ROWS])
    np.testing.assert_allclose(whole.sum(axis=0), 1.0)
