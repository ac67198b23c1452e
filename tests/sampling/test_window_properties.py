"""What holds for windows and fuse weights of any size: random lengths, overlaps and strides."""

from __future__ import annotations

import random

import pytest
from animatediff_kit.sampling.fuse import FUSE_METHODS
from animatediff_kit.sampling.views.plan import views_of
from animatediff_kit.sampling.windows import SCHEDULES, WindowSettings, windows_of

CASES = 400
CLOSED, CLOSED_SHIFTED = "closed loop", "closed shifted"
LOOPS = {CLOSED: "looped_uniform", CLOSED_SHIFTED: "shifted"}


def cases(schedule: str, fuse: str = "pyramid") -> list[tuple[int, WindowSettings, int]]:
    """(frames, settings, step), odd and even, from two frames a window to a video of 200."""
    draw = random.Random(f"{schedule} {fuse}")
    found = []
    for _ in range(CASES):
        length = draw.randint(2, 24)
        name = LOOPS.get(schedule, schedule)
        overlap, stride = draw.randint(0, length - 1), draw.randint(1, 4)
        settings = WindowSettings(length, overlap, stride, name, fuse, schedule in LOOPS)
        found.append((draw.randint(length + 1, 200), settings, draw.randint(0, 40)))
    return found


@pytest.mark.parametrize("schedule", [*SCHEDULES, *LOOPS])
def test_every_frame_is_in_a_window_and_once_in_each(schedule: str) -> None:
    for case in cases(schedule):
        frames, settings, step = case
        windows = windows_of(frames, settings, step)
        assert {frame for window in windows for frame in window} == set(range(frames)), case
        assert all(len(set(window)) == len(window) for window in windows), case
        assert all(len(window) <= settings.length for window in windows), case


@pytest.mark.parametrize("fuse", FUSE_METHODS)
@pytest.mark.parametrize("schedule", [*SCHEDULES, *LOOPS])
def test_shares_of_each_frame_sum_to_one(schedule: str, fuse: str) -> None:
    for case in cases(schedule, fuse)[:100]:
        frames, settings, step = case
        views = views_of(frames, settings, step)
        total = [0.0] * frames
        for window, shares in zip(views.windows, views.shares, strict=True):
            assert min(shares) > 0, case
            for frame, share in zip(window, shares, strict=True):
                total[frame] += share
        assert total == pytest.approx([1.0] * frames, abs=1e-12), case


def neighbours(windows: list[list[int]], frames: int) -> set[int]:
    """The frames that stand in a window with the next one, the last frame's being the first."""
    return {f for w in windows for f in w if (f + 1) % frames in w}


@pytest.mark.parametrize("schedule", LOOPS)
def test_closed_loops_join_every_frame_to_the_next(schedule: str) -> None:
    for case in cases(schedule):
        frames, settings, step = case
        if settings.overlap > 0:
            windows = windows_of(frames, settings, step)
            assert neighbours(windows, frames) == set(range(frames)), case


@pytest.mark.parametrize("schedule", ["standard_static", "standard_uniform", "views", "shifted"])
def test_open_videos_join_all_but_the_ends(schedule: str) -> None:
    """Where windows overlap no neighbours are kept apart, in one step or the next, and no window
    goes from the end to the beginning."""
    for frames, settings, step in cases(schedule):
        windows = [w for k in (step, step + 1) for w in windows_of(frames, settings, k)]
        case = (frames, settings, step)
        assert all(window == sorted(window) for window in windows), case
        if settings.overlap > 0:
            assert neighbours(windows, frames) >= set(range(frames - 1)), case


def test_static_windows_share_the_overlap() -> None:
    for case in cases("standard_static"):
        frames, settings, step = case
        windows = windows_of(frames, settings, step)
        shared = [len({*a} & {*b}) for a, b in zip(windows, windows[1:], strict=False)]
        assert set(shared[:-1]) <= {settings.overlap} and shared[-1] >= settings.overlap, case
        assert windows == windows_of(frames, settings, step + 1), case
