"""Figures that several claims have in common: how much moves (Q3), how smoothly (Q4), and how far
clips are from real ones (Q6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from torch import Tensor

from ...measures.flow import pairs, warp_error
from ...measures.report import FLOW_RANGE, MOST_ERROR
from .estimates import Estimate, jackknife, mean, quotient_of_medians, share
from .findings import Figure, figure
from .lines import Line, above, at_most, between, interval_above
from .measures.colour_track import Smoothness, Track, direction, smoothness, track
from .measures.frechet import flow_features, frechet_distance, random_features
from .scenes import Case

CLAIM, CONTROL, TOLD = "claim", "control", "told"
"""What a set of clips is there for: to reach the lines, to be refused by them, or to be told."""

ROUGHER, FURTHER = 3.0, 2.0
"""How much less smooth than real clips, and how much further from them than they are from each
other."""

MISSING, AS_ASKED = 0.05, 0.5
"""Frames without the thing, at most; what the interval of directions as asked has to be above."""

VARIES = {"area": 0.02, "colour": 0.01}
"""What is asked of no clip to vary less than: a share of the thing's area; colour, in 0..1."""

LOST = 16.0
"""Pixels that count as the residual of a thing that is not there."""

SEEDS = (0, 1, 2)
"""Of the random networks."""


class Shown:
    """Clips of some scenes, and what is measured of them, once."""

    def __init__(self, clips: Sequence[Tensor], found: Sequence[Case]) -> None:
        self.clips, self.found = clips, found

    @cached_property
    def motion(self) -> np.ndarray:
        """n 2"""
        return np.array([flow_and_error(clip) for clip in self.clips])

    @cached_property
    def tracks(self) -> list[Track]:
        both = zip(self.clips, self.found, strict=True)
        return [track(clip, case.scene) for clip, case in both]

    @cached_property
    def smooth(self) -> list[Smoothness]:
        return [smoothness(one) for one in self.tracks]

    @property
    def as_asked(self) -> list[bool]:
        """Whether things go the way that their captions say."""
        both = zip(self.tracks, self.found, strict=True)
        return [direction(one) == case.scene.motion for one, case in both]

    def varies(self, kind: str, lost: float, least: float = 0.0) -> np.ndarray:
        """A field of Smoothness of each clip.   lost: where the thing is not there"""
        values = [getattr(one, kind) for one in self.smooth]
        return np.maximum(np.nan_to_num(values, nan=lost), least)

    def spoiled(self, spoil: Callable[[Tensor], Tensor]) -> Shown:
        return Shown([spoil(clip) for clip in self.clips], self.found)


def flow_and_error(frames: Tensor) -> tuple[float, float]:
    """The mean length of the flow in pixels a frame, the median of the steps: things are small
    here, and a median over the picture would be the ground's. The mean warp error. Neither tells
    anything alone: a frozen clip can be followed perfectly, and the flow between shuffled frames is
    long.   f h w 3"""
    found = list(pairs(frames))
    lengths = [float(np.linalg.norm(pair.flow, axis=-1).mean()) for pair in found]
    errors = [error for error in map(warp_error, found) if error is not None]
    return float(np.median(lengths)), float(np.mean(errors))


def motion_figures(name: str, made: Shown, real: Shown, role: str = CLAIM) -> Iterator[Figure]:
    """real: of the same scenes. A control is refused by either of the two."""
    flow, error = map(quotient_of_medians, made.motion.T, real.motion.T)
    moves, followed = between(*FLOW_RANGE), at_most(MOST_ERROR)
    neither = Line(
        "outside {} to {}, or the next above {}",
        (*FLOW_RANGE, MOST_ERROR),
        lambda flow: not (moves.holds(flow) and followed.holds(error)),
    )
    lines = {CLAIM: (moves, followed), CONTROL: (neither, None), TOLD: (None, None)}[role]
    yield figure(f"{name}: flow, of real clips'", flow, lines[0], control=role == CONTROL)
    yield figure(f"{name}: warp error, of real clips'", error, lines[1])


def track_figures(name: str, made: Shown, real: Shown, role: str = CLAIM) -> Iterator[Figure]:
    """How smoothly things go that move along a line, and whether the way they are asked to.
    real: of the same scenes"""
    ratio = quotient_of_medians(made.varies("residual", LOST), real.varies("residual", LOST))
    line = {CLAIM: at_most(ROUGHER), CONTROL: above(ROUGHER), TOLD: None}[role]
    what = f"{name}: residual of the track, of real clips'"
    yield figure(what, ratio, line, control=role == CONTROL)
    line = interval_above(AS_ASKED) if role == CLAIM else None
    yield figure(f"{name}: direction as asked", share(made.as_asked), line, "%")


def identity_figures(name: str, made: Shown, real: Shown) -> Iterator[Figure]:
    """Whether a thing stays, and stays what it is. real: of the same scenes"""
    gone = mean([one.lost for one in made.smooth])
    yield figure(f"{name}: frames without the thing", gone, at_most(MISSING), "%")
    for kind, least in VARIES.items():
        ratio = quotient_of_medians(made.varies(kind, 1.0, least), real.varies(kind, 1.0, least))
        what = f"{name}: how much its {kind} varies, of real clips'"
        yield figure(what, ratio, at_most(ROUGHER))


Features = list[np.ndarray]
"""Of a set of clips, n c, one for each seed."""

KINDS: dict[str, Callable[[Sequence[Tensor]], Features]] = {
    "random features": lambda clips: [random_features(clips, seed) for seed in SEEDS],
    "normal flow": lambda clips: [flow_features(clips)],
}


def frechet_figures(
    clips: Sequence[Tensor],
    real: Sequence[Tensor],
    others: Sequence[Tensor],
    controls: Mapping[str, Sequence[Tensor]],
) -> Iterator[Figure]:
    """clips and real: of the same scenes; others: real ones of other scenes, which all are held
    against; as many of each"""
    for kind, features in KINDS.items():
        floor, target = features(real), features(others)
        name = f"Frechet distance, {kind}, of real clips'"
        ratio = frechet_ratio(features(clips), floor, target)
        yield figure(f"{name}: generated", ratio, at_most(FURTHER))
        for control, spoiled in controls.items():
            ratio = frechet_ratio(features(spoiled), floor, target)
            yield figure(f"{name}: {control}", ratio, above(FURTHER), control=True)


def frechet_ratio(clips: Features, floor: Features, target: Features) -> Estimate:
    """The mean over the seeds; its interval by leaving clips out of all three sets."""

    def ratio(chosen: np.ndarray) -> float:
        seeds = zip(clips, floor, target, strict=True)
        parts = [[features[chosen] for features in seed] for seed in seeds]
        ratios = [frechet_distance(x, z) / frechet_distance(y, z) for x, y, z in parts]
        return float(np.mean(ratios))

    return jackknife(ratio, len(clips[0]))
