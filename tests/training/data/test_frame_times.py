"""Frames at even times, whatever rate they are stored at."""

from __future__ import annotations

from fractions import Fraction

import pytest
from animatediff_kit.training.data.frame_times import numbers_at, seconds_of, usual_gap


@pytest.mark.parametrize("rate", [8, 12.5, 23.976, 24, 25, 29.97, 30, 50, 59.94, 60, 120])
@pytest.mark.parametrize("rounded", [None, 3, 2])
def test_every_rate_is_moved_over_at_one_speed(rate: float, rounded: int | None) -> None:
    """Each frame is at most half a stored frame, and what stamps are rounded by, off its time."""
    times = [number / rate for number in range(int(4 * rate))]
    stamps = times if rounded is None else [round(time, rounded) for time in times]
    for start in (0.0, 0.3, 1.117):
        numbers = numbers_at(stamps, start, 8, 16)
        assert len(set(numbers)) == 16 and numbers == sorted(numbers)
        off = [times[n] - (start + k / 8) for k, n in enumerate(numbers)]
        assert max(map(abs, off)) <= 0.5 / rate + (1e-9 if rounded is None else 10.0**-rounded)


def test_stamps_that_jitter_choose_the_same_frames() -> None:
    even = [number / 30 for number in range(60)]
    jittered = [time + (0.003 if n % 3 else -0.003) for n, time in enumerate(even)]
    expected = list(range(0, 32, 2))
    assert numbers_at(even, 0, 15, 16) == numbers_at(jittered, 0, 15, 16) == expected


def test_a_frame_that_is_held_stays() -> None:
    """A screen that stands still for two seconds is stored as one frame."""
    times = [0.0, 0.1, 0.2, 2.2, 2.3, 2.4]
    assert numbers_at(times, 0, 2, 5) == [0, 2, 2, 2, 2]
    assert numbers_at(times, 2.2, 10, 3) == [3, 4, 5]


def test_too_few_frames_are_taken_twice() -> None:
    assert numbers_at([0, 0.25, 0.5, 0.75], 0, 8, 6) == [0, 0, 1, 1, 2, 2]


def test_behind_the_last_frame_stands_the_last() -> None:
    assert numbers_at([0.0, 0.1, 0.2], 0.1, 10, 4) == [1, 2, 2, 2]
    assert numbers_at([0.0], 0.0, 10, 1) == [0] and usual_gap([0.0]) == 0


def test_seconds() -> None:
    ms = Fraction(1, 1000)
    assert seconds_of([1040, 1000, 1080], ms, Fraction(3)) == [0.0, 0.04, 0.08]
    assert seconds_of([None, 0, 40], ms, Fraction(10)) == [0.0, 0.1, 0.2]
    assert seconds_of([0, 0, 40], ms, Fraction(10)) == [0.0, 0.1, 0.2]
    assert seconds_of([None, None], None, None) == [0.0, 0.0] and seconds_of([], ms, None) == []
