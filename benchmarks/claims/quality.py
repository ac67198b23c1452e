"""Figures that several claims have in common: how much moves (Q3), how smoothly (Q4), and how far
clips are from real ones (Q6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from ...measures.report import FLOW_RANGE, MOST_ERROR
from .estimates import Estimate, bootstrap, jackknife, mean, share
from .findings import Finding
from .measures.colour_track import Track, direction, smoothness, track
from .measures.frechet import flow_features, frechet_distance, random_features
from .measures.motion_range import compared, motion_of
from .scenes import Case
from .sitting import Sitting

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


def decoded(sitting: Sitting, found: Sequence[Case]) -> list[Tensor]:
    """Real clips as well as the autoencoder can show them."""
    return [sitting.studio.through_autoencoder(case.real) for case in found]


def add_range(
    finding: Finding,
    name: str,
    clips: Sequence[Tensor],
    real: Sequence[Tensor],
    role: str = CLAIM,
) -> None:
    """clips, real: of the same scenes. A control is refused by either of the two."""
    found = compared([motion_of(clip) for clip in clips], [motion_of(clip) for clip in real])
    (least, most), error = FLOW_RANGE, MOST_ERROR
    flow_name, error_name = f"{name}: flow, of real clips'", f"{name}: warp error, of real clips'"
    if role == CLAIM:
        in_range = least <= found.flow.value <= most
        finding.add(flow_name, found.flow, f"{least:g} to {most:g}", in_range)
        finding.add(error_name, found.error, f"at most {error:g}", found.error.value <= error)
    elif role == CONTROL:
        line = f"outside {least:g} to {most:g}, or the next above {error:g}"
        finding.add(flow_name, found.flow, line, not found.holds, control=True)
        finding.add(error_name, found.error)
    else:
        finding.add(flow_name, found.flow)
        finding.add(error_name, found.error)


def tracks_of(clips: Sequence[Tensor], found: Sequence[Case]) -> list[Track]:
    """Where the thing of each scene is in its clip."""
    return [track(clip, case.scene) for clip, case in zip(clips, found, strict=True)]


def as_asked(tracks: Sequence[Track], found: Sequence[Case]) -> list[bool]:
    """Whether things go the way that their captions say."""
    return [direction(t) == case.scene.motion for t, case in zip(tracks, found, strict=True)]


def add_tracks(
    finding: Finding,
    name: str,
    tracks: Sequence[Track],
    ideal: Sequence[Track],
    found: Sequence[Case],
    role: str = CLAIM,
) -> None:
    """How smoothly things go that move along a line, and whether the way they are asked to.
    ideal: of real clips of the same scenes"""
    ratio = median_ratio(residuals(tracks), residuals(ideal))
    smooth, what = ratio.value <= ROUGHER, f"{name}: residual of the track, of real clips'"
    if role == CLAIM:
        finding.add(what, ratio, f"at most {ROUGHER:g}", smooth)
    elif role == CONTROL:
        finding.add(what, ratio, f"above {ROUGHER:g}", not smooth, control=True)
    else:
        finding.add(what, ratio)
    right = share(as_asked(tracks, found))
    name, line = f"{name}: direction as asked", f"interval above {AS_ASKED:.0%}"
    if role == CLAIM:
        finding.add(name, right, line, right.low > AS_ASKED, "%")
    else:
        finding.add(name, right, unit="%")


def add_identity(
    finding: Finding, name: str, tracks: Sequence[Track], ideal: Sequence[Track]
) -> None:
    """Whether a thing stays, and stays what it is. ideal: of real clips of the same scenes"""
    made, real = ([smoothness(one) for one in part] for part in (tracks, ideal))
    gone = mean([one.lost for one in made])
    what, line = f"{name}: frames without the thing", f"at most {MISSING:.0%}"
    finding.add(what, gone, line, gone.value <= MISSING, "%")
    for kind, least in VARIES.items():
        above, below = (
            np.maximum(np.nan_to_num([getattr(one, kind) for one in part], nan=1.0), least)
            for part in (made, real)
        )
        ratio, line = median_ratio(above, below), f"at most {ROUGHER:g}"
        what = f"{name}: how much its {kind} varies, of real clips'"
        finding.add(what, ratio, line, ratio.value <= ROUGHER)


def residuals(tracks: Sequence[Track]) -> np.ndarray:
    return np.nan_to_num([smoothness(found).residual for found in tracks], nan=LOST)


def median_ratio(above: np.ndarray, below: np.ndarray) -> Estimate:
    return bootstrap(lambda a, b: np.median(a) / np.median(b), above, below)


def add_frechet(
    finding: Finding,
    clips: Sequence[Tensor],
    real: Sequence[Tensor],
    others: Sequence[Tensor],
    controls: Mapping[str, Sequence[Tensor]],
) -> None:
    """clips and real: of the same scenes; others: real ones of other scenes, which all are held
    against; as many of each"""
    for kind in ("random features", "normal flow"):
        floor, target = features(real, kind), features(others, kind)
        ratio = frechet_ratio(features(clips, kind), floor, target)
        line = f"at most {FURTHER:g}"
        name = f"Frechet distance, {kind}, of real clips'"
        finding.add(f"{name}: generated", ratio, line, ratio.value <= FURTHER)
        for control, spoiled in controls.items():
            ratio = frechet_ratio(features(spoiled, kind), floor, target)
            line, refused = f"above {FURTHER:g}", ratio.value > FURTHER
            finding.add(f"{name}: {control}", ratio, line, refused, control=True)


def features(clips: Sequence[Tensor], kind: str) -> list[np.ndarray]:
    """One for each seed."""
    if kind == "normal flow":
        return [flow_features(clips)]
    return [random_features(clips, seed) for seed in SEEDS]


def frechet_ratio(
    clips: list[np.ndarray], floor: list[np.ndarray], target: list[np.ndarray]
) -> Estimate:
    """The mean over the seeds; its interval by leaving clips out of all three sets."""

    def ratio(chosen: np.ndarray) -> float:
        others = [part[chosen] for part in target]
        above = [frechet_distance(x[chosen], y) for x, y in zip(clips, others, strict=True)]
        below = [frechet_distance(x[chosen], y) for x, y in zip(floor, others, strict=True)]
        return float(np.mean(np.array(above) / np.array(below)))

    return jackknife(ratio, len(clips[0]))
