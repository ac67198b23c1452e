"""Schedules: every frame covered, nothing twice in a window, core's own lists at stride 1."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import comfy.context_windows as core
import pytest
from animatediff_kit.sampling.windows import SCHEDULES, VIEWS, WindowSettings, moves, windows_of

CORE = {
    "standard_static": core.create_windows_static_standard,
    "standard_uniform": core.create_windows_uniform_standard,
    "looped_uniform": core.create_windows_uniform_looped,
    "batched": core.create_windows_batched,
}
STEPS = range(12)
SHAPES = [
    (frames, length, overlap)
    for length in (2, 3, 8, 16)
    for overlap in (0, 1, 2, 4, 7)
    if overlap < length
    for frames in (length + 1, length + 2, 2 * length, 2 * length + 1, 3 * length + 5, 97)
]


def settings_of(schedule: str, stride: int = 1, closed: bool = False, length=16, overlap=4):
    return WindowSettings(length, overlap, stride, schedule, closed_loop=closed)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_every_frame_is_covered_and_none_twice_in_a_window(schedule, stride):
    for frames, length, overlap in SHAPES:
        settings = settings_of(schedule, stride, length=length, overlap=overlap)
        for step in STEPS:
            windows = windows_of(frames, settings, step)
            case = (frames, settings, step)
            assert {frame for window in windows for frame in window} == set(range(frames)), case
            assert all(len(set(window)) == len(window) for window in windows), case
            if schedule != "batched":
                assert all(len(window) == length for window in windows), case


@pytest.mark.parametrize("schedule", CORE)
@pytest.mark.parametrize("closed", [False, True])
def test_lists_are_cores_at_stride_1(schedule, closed):
    closed = closed and schedule == "looped_uniform"
    for frames, length, overlap in SHAPES:
        settings = settings_of(schedule, closed=closed, length=length, overlap=overlap)
        for step in STEPS:
            handler = SimpleNamespace(
                context_length=length,
                context_overlap=overlap,
                context_stride=1,
                closed_loop=closed,
                _step=step,
            )
            expected = [[int(i) for i in window] for window in CORE[schedule](frames, handler, {})]
            assert windows_of(frames, settings, step) == expected, (frames, settings, step)


def test_closed_loops_close():
    settings = settings_of("looped_uniform", closed=True)
    for frames in (16, 17, 24, 32, 50, 97):
        neighbours = {
            (window[i], window[i + 1])
            for step in STEPS
            for window in windows_of(frames, settings, step)
            for i in range(len(window) - 1)
        }
        assert (frames - 1, 0) in neighbours, frames


def test_uniform_windows_move_with_the_step():
    starts = [windows_of(64, settings_of("standard_uniform"), step)[0][0] for step in range(4)]
    assert len(set(starts)) == 4


def test_larger_strides_look_further():
    windows = windows_of(64, settings_of("standard_uniform", stride=3), 0)
    assert {window[1] - window[0] for window in windows} == {1, 2, 4}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_video_that_fits_is_one_window(schedule):
    for frames in (1, 2, 15, 16):
        assert windows_of(frames, settings_of(schedule)) == [list(range(frames))]


def test_views_are_the_static_windows():
    assert windows_of(40, settings_of(VIEWS)) == windows_of(40, settings_of("standard_static"))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_which_windows_move(schedule):
    """And none where all frames fit into one, or where the steps share their windows in turn."""
    moving = {"standard_uniform", "looped_uniform", "shifted", "views_shifted"}
    assert moves(64, settings_of(schedule)) is (schedule in moving)
    assert not moves(16, settings_of(schedule))
    turned = WindowSettings(16, 0, schedule="looped_uniform", closed_loop=True)
    assert windows_of(32, turned, 0) != windows_of(32, turned, 1)
    assert moves(32, turned), "at the third step they lie between"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (WindowSettings(16, 16), r"overlap of 16 frames leaves windows of 16 no.*Set it to 4"),
        (WindowSettings(8, 12), r"overlap of 12 frames leaves windows of 8"),
        (WindowSettings(8, -1), r"overlap of -1 frames"),
        (WindowSettings(0, 0), r"length 0 and stride 1 hold no frames"),
        (WindowSettings(16, 4, 0), r"length 16 and stride 0 hold no frames"),
        (WindowSettings(schedule="spiral"), r"'spiral' is no schedule; choose one of stand"),
        (
            WindowSettings(closed_loop=True),
            r"standard_static never wraps.*one of looped_uniform, sh",
        ),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        settings.check()


def test_windows_where_all_frames_fit_into_one():
    """By hand: step 1 begins in the middle."""
    settings = replace(settings_of("looped_uniform", length=8, overlap=2), on_equal_length=True)
    assert windows_of(8, settings, 1) == [[4, 5, 6, 7, 0, 1, 2, 3]]
    assert windows_of(8, replace(settings, on_equal_length=False), 1) == [list(range(8))]
    for schedule in ("standard_static", "standard_uniform", "batched"):
        settings = settings_of(schedule, length=8, overlap=2)
        assert windows_of(8, replace(settings, on_equal_length=True), 1) == [list(range(8))]
