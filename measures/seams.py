"""Seams: whether a long video shows where its context windows meet.

Three figures, because each alone is blind to something. Motion: how far the flow departs from that
of the neighbouring frames; a jump, or a change of speed or direction, which warping follows without
a trace. Warp: what warping along the flow cannot explain; a change of brightness or content, which
is no motion; it is *lower* at averaged frames, which lack detail. Sharpness: blur from averaging.

Each is compared with what it would be if the windows met somewhere else.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .motion_measures import MotionMeasures

NEIGHBOURS = 6
"""Steps on either side that a step's motion is compared with."""

DRAWS = 4000
"""Permutations at most."""

EFFECT, CHANCE = 0.1, 0.05
"""Seams show where the effect is at least EFFECT and its probability by chance below CHANCE."""

ROUNDING = 1e-9

LEAST_FLOW = 1.0
"""Pixels a frame. A jump is held against the clip's own flow, in nearly still clips against this,
so that a jump of hundredths of a pixel is none."""


@dataclass(frozen=True)
class Seams:
    """Where windows meet.

    steps: t for which frames t and t + 1 lie in other windows; frames: those that several windows
    share.
    """

    steps: frozenset[int]
    frames: frozenset[int]


def seams_of(windows: Sequence[Sequence[int]], frames: int) -> Seams:
    """The seams of windows over a video of f frames.

    Where windows share no frames, or half of the video and more, `frames` are those beside the
    steps instead, so that something is left to compare them with.
    """
    held = [{i for i, window in enumerate(windows) if t in window} for t in range(frames)]
    steps = frozenset(t for t in range(frames - 1) if held[t] != held[t + 1])
    shared = frozenset(t for t in range(frames) if len(held[t]) > 1)
    if shared and 2 * len(shared) < frames:
        return Seams(steps, shared)
    return Seams(steps, steps | {t + 1 for t in steps})


@dataclass(frozen=True)
class SeamFigure:
    """One of the three figures.

    at_seams, elsewhere: its means at the seams and between them; effect: for motion the difference
    as a share of the clip's flow, else the quotient less 1, either way; chance: the probability of
    as large an effect where there are no seams; least_chance: the smallest that can come out of so
    many. None: nothing to compare.
    """

    at_seams: float | None
    elsewhere: float | None
    effect: float | None
    chance: float | None
    least_chance: float | None

    @property
    def enough(self) -> bool:
        """Whether there are seams enough that one could be seen at all."""
        return self.least_chance is not None and self.least_chance < CHANCE

    @property
    def passes(self) -> bool:
        if self.effect is None or self.chance is None:
            return True
        return abs(self.effect) < EFFECT or self.chance >= CHANCE


@dataclass(frozen=True)
class SeamTriple:
    motion: SeamFigure
    warp: SeamFigure
    sharpness: SeamFigure

    @property
    def passes(self) -> bool:
        return self.motion.passes and self.warp.passes and self.sharpness.passes


def measure_seams(measures: MotionMeasures, seams: Seams, flow: float | None = None) -> SeamTriple:
    """The three figures of a clip. A clip passes that shows none of them at its seams.

    flow: pixels a frame that jumps are held against; without, the clip's own median, and LEAST_FLOW
    at least.
    """
    if flow is None:
        flow = max(LEAST_FLOW, float(np.median(measures.median_flow)))
    return SeamTriple(
        compared(motion_departures(measures.cells), seams.steps, flow),
        compared(measures.warp_error, seams.steps),
        compared(measures.sharpness, seams.frames),
    )


def motion_departures(cells: np.ndarray) -> np.ndarray:
    """How far the flow of each step departs from its median over the neighbouring steps, the mean
    over the picture in pixels.   cells: f-1 y x 2 -> f-1"""
    departures = np.zeros(len(cells))
    for t in range(len(cells)):
        near = [*range(max(0, t - NEIGHBOURS), t), *range(t + 1, t + 1 + NEIGHBOURS)]
        near = [other for other in near if other < len(cells)]
        if near:
            usual = np.median(cells[near], axis=0)
            departures[t] = np.linalg.norm(cells[t] - usual, axis=-1).mean()
    return departures


def compared(values: np.ndarray, seams: frozenset[int], unit: float | None = None) -> SeamFigure:
    """A permutation test of the mean at the seams, whose permutations shift every seam by itself.

    A seam goes round within its cell, which ends half way to its neighbours. Shifts that touch its
    own place belong to it: without them, smooth clips fail in a fifth of cases.

    unit: the effect is the difference in this unit, and counts upwards alone; without, it is the
    quotient less 1, and counts both ways.
    """
    between = np.ones(len(values), bool)
    between[sorted(seams)] = False
    if not seams or not between.any() or not np.isfinite(values).all():
        return SeamFigure(None, None, None, None, None)
    shifts = [shifted(run, cell) for run, cell in cells_of(seams, len(values))]
    drawn, least = permuted([values[places].sum(axis=1) / len(seams) for places in shifts])
    at_seams, elsewhere = float(drawn[0]), float(values[between].mean())
    higher = float((drawn >= drawn[0] - ROUNDING).mean())
    if unit is not None:
        return SeamFigure(at_seams, elsewhere, (at_seams - elsewhere) / unit, higher, least)
    lower = float((drawn <= drawn[0] + ROUNDING).mean())
    effect = (at_seams + ROUNDING) / (elsewhere + ROUNDING) - 1
    return SeamFigure(at_seams, elsewhere, effect, min(1, 2 * min(higher, lower)), 2 * least)


def cells_of(seams: frozenset[int], count: int) -> list[tuple[list[int], list[int]]]:
    """Seams that follow each other without a gap, together, and the cell that is theirs."""
    runs: list[list[int]] = []
    for t in sorted(seams):
        if runs and t == runs[-1][-1] + 1:
            runs[-1].append(t)
        else:
            runs.append([t])
    middles = [(a[-1] + b[0]) // 2 + 1 for a, b in itertools.pairwise(runs)]
    edges = itertools.pairwise((0, *middles, count))
    return [(run, list(range(*edge))) for run, edge in zip(runs, edges, strict=True)]


def shifted(run: list[int], cell: list[int]) -> np.ndarray:
    """Where a run lies after every shift round its cell, the first of none.   -> shifts run"""
    shifts = np.arange(len(cell))[:, None]
    return cell[0] + (np.array(run) - cell[0] + shifts) % len(cell)


def permuted(parts: list[np.ndarray]) -> tuple[np.ndarray, float]:
    """Sums of one part of each row, the first of them the sum of the first ones; and the least
    probability that can come of so many.

    All combinations where they are few, else random ones with the first among them (Phipson &
    Smyth 2010).
    """
    combinations = math.prod(len(row) for row in parts)
    if combinations <= DRAWS:
        return np.array([sum(choice) for choice in itertools.product(*parts)]), 1 / combinations
    generator = np.random.default_rng(0)  # the same clip always has the same figures
    choices = np.stack([generator.choice(row, DRAWS) for row in parts])
    choices[:, 0] = [row[0] for row in parts]
    return choices.sum(axis=0), 1 / DRAWS
