"""Which frames of a video stand at even times, by the time stamps that it shows them at.

Counted by number, frames of videos of 24 and of 60 frames a second are moved over at different
speeds, and a motion module that is trained on both learns a mixture. Times are seconds from a
video's first frame.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from statistics import median

ROUNDING = 1e-6
"""Seconds that a sum of rounded numbers may be off by."""


def seconds_of(
    stamps: Sequence[int | None], unit: Fraction | None, rate: Fraction | None
) -> list[float]:
    """When frames are shown, in their order.   stamps: in units of `unit` seconds; where a file
    lacks some, or gives several frames one, its rate counts; where it has none, 0 for each."""
    known = sorted(stamp for stamp in stamps if stamp is not None)
    if unit and len(set(known)) == len(stamps):
        return [float((stamp - known[0]) * unit) for stamp in known]
    step = float(1 / rate) if rate else 0.0
    return [number * step for number in range(len(stamps))]


def usual_gap(times: Sequence[float]) -> float:
    """From one frame to the next, mostly; 0 for one frame alone."""
    gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
    return median(gaps) if gaps else 0.0


def numbers_at(times: Sequence[float], start: float, fps: float, frames: int) -> list[int]:
    """The frames that are shown at start, start + 1/fps, ...; some twice where a video has fewer.

    A frame counts from half a usual gap before its stamp on: of an even rate the nearest is taken,
    so stamps that are rounded or jitter change nothing, and a frame that is held long stays.
    """
    early = usual_gap(times) / 2 - ROUNDING
    wanted = (start + number / fps + early for number in range(frames))
    return [max(0, bisect_right(times, time) - 1) for time in wanted]
