"""The axes held against the lines that were set for them, on the scenes of claim 4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from ...small_world.axis_clips import AXES
from ..claims.claim_camera import (
    CAMERA_MOVES,
    DIAGONAL,
    LEAST,
    STRENGTHS,
    WORST,
    Read,
    Scenes,
    of_move,
    rank_correlation,
    read,
    shown,
)
from ..claims.estimates import mean, median
from ..claims.findings import Figure, at_least, at_most, figure
from ..claims.scenes import camera_cases
from ..claims.studio import Studio

RISES, CANCELLED, KEPT = 0.95, 0.1, 0.5
SIGNED = tuple(sorted({sign * strength for strength in STRENGTHS for sign in (-1, 1)}))


@dataclass(frozen=True)
class Bench:
    """file: of each move;   steps: of the sampler"""

    studio: Studio
    files: dict[str, Path]
    steps: int

    def read(self, move: str, scenes: Scenes, shown: str, amounts: Sequence[tuple[str, float]]):
        """What clips of the scenes of a move show of the move `shown`, made with these amounts."""
        moves = tuple((self.files[name], strength) for name, strength in amounts if strength)
        return read(shown, self.studio.shoot(scenes[move], moves=moves, steps=self.steps))


def figures(bench: Bench) -> Iterator[Figure]:
    count = bench.studio.scaled(16)
    scenes = {move: camera_cases(move, count) for move in CAMERA_MOVES}
    full = [one for move in CAMERA_MOVES for one in bench.read(move, scenes, move, [(move, 1.0)])]
    yield figure("clips that show their file's move", shown(full), at_least(DIAGONAL), "%")
    worst = min((shown(of_move(full, move)) for move in scenes), key=lambda found: found.value)
    yield figure("the same of the move that does so least", worst, at_least(WORST), "%")
    yield figure("amount, of the reference clips'", median([one.amount for one in full]))
    yield figure("largest other component", median([one.beside for one in full]))
    few = {move: found[: bench.studio.scaled(8)] for move, found in scenes.items()}
    positive: list[float] = []
    for axis, (there, back) in AXES.items():
        told = over_strengths(bench, few, there, back)
        rises = mean([rank_correlation(row) for row in told])
        name = f"{axis}: rank correlation of strength and amount"
        yield figure(name, rises, at_least(RISES))
        positive += [rank_correlation(row[len(STRENGTHS) - 1 :]) for row in told]
    yield figure("the same of strengths from 0 on, all axes", mean(positive))
    alone = {m: float(np.median([one.amount for one in of_move(full, m)])) for m in CAMERA_MOVES}
    yield from opposed(bench, few, alone)
    yield from together(bench, scenes, alone)


def over_strengths(bench: Bench, scenes: Scenes, there: str, back: str) -> list[list[float]]:
    """Of each clip, the amount of the move `there` at the strengths of SIGNED."""
    columns = [
        bench.read(there, scenes, there, [(back, -by) if by < 0 else (there, by)]) for by in SIGNED
    ]
    return [[one.amount for one in row] for row in zip(*columns, strict=True)]


def opposed(bench: Bench, scenes: Scenes, alone: dict[str, float]) -> Iterator[Figure]:
    for there, back in AXES.values():
        left = bench.read(there, scenes, there, [(there, 1.0), (back, 1.0)])
        shares = [abs(one.amount) / max(alone[there], LEAST) for one in left]
        yield figure(f"{there} + {back}: left of either", median(shares), at_most(CANCELLED))


def together(bench: Bench, scenes: Scenes, alone: dict[str, float]) -> Iterator[Figure]:
    """Every two axes at once, by their first moves."""
    firsts = [moves[0] for moves in AXES.values()]
    for both in combinations(firsts, 2):
        for move in both:
            kept = share_kept(bench.read("pan left", scenes, move, [(m, 1.0) for m in both]), alone)
            name = f"{both[0]} + {both[1]}: {move}, of it alone"
            yield figure(name, median(kept), at_least(KEPT))


def share_kept(found: Sequence[Read], alone: dict[str, float]) -> list[float]:
    return [one.amount / max(alone[one.move], LEAST) for one in found]
