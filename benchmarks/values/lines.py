"""The lines: what is measured of the clips, and what it must come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ...measures.flow import pairs
from ...measures.motion_measures import measure_motion
from ..claims.estimates import Estimate, mean, share
from ..claims.scenes import camera_cases, cases
from .clips import LONG, crossing, onset_curve, with_strength

FOLLOWS, SHUFFLED, TURNS = 0.6, 0.1, 0.9

OPPOSED = (("pan left", "pan right"), ("pan right", "pan left"))


@dataclass(frozen=True)
class Line:
    """A figure, and whether it holds."""

    name: str
    found: Estimate
    wanted: str
    holds: bool


def audio_lines(clips: int) -> Iterator[Line]:
    """The flow into each frame against the strength of that frame, and against others."""
    random = np.random.default_rng(0)
    same, shuffled, before, behind = [], [], [], []
    for number, case in enumerate(cases(clips)):
        curve = onset_curve(number)
        flow = flow_into(with_strength(case, curve))
        same.append(correlation(flow, curve[1:]))
        shuffled.append(correlation(flow, random.permutation(curve[1:])))
        before.append(correlation(flow[1:], curve[1:-1]))
        behind.append(correlation(flow[:-1], curve[2:]))
    follows, control = mean(same), mean(shuffled)
    name = "correlation of flow with the onsets"
    yield Line(f"{name}, lag 0", follows, f"at least {FOLLOWS}", follows.value >= FOLLOWS)
    yield Line(f"{name}, shuffled", control, f"below {SHUFFLED}", abs(control.value) < SHUFFLED)
    for lag, found in (("one frame later", mean(before)), ("one frame earlier", mean(behind))):
        yield Line(f"{name}, {lag}", found, "below lag 0", found.value < follows.value)


def flow_into(clip: Tensor) -> np.ndarray:
    """Mean length of the flow from the frame before, in pixels.   f h w 3 -> f - 1"""
    return np.array([np.linalg.norm(pair.flow, axis=-1).mean() for pair in pairs(clip)])


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if np.ptp(one) and np.ptp(other) else 0.0


def camera_lines(clips: int) -> Iterator[Line]:
    """The camera's move in each half of clips in which two MotionLoRAs cross over."""
    hits = []
    for first, second in OPPOSED:
        for case in camera_cases(first, max(1, clips // len(OPPOSED))):
            clip = crossing(case, first, second)
            halves = clip[: LONG // 2], clip[LONG // 2 :]
            hits.append([moves(h) == m for h, m in zip(halves, (first, second), strict=True)])
    for half, of_half in zip(("first", "second"), zip(*hits, strict=True), strict=True):
        found = share(of_half)
        name = f"clips whose {half} half shows its MotionLoRA's move"
        yield Line(name, found, f"at least {TURNS}", found.value >= TURNS)


def moves(clip: Tensor) -> str:
    return measure_motion(clip).camera().move
