"""Figures that several claims have in common: how much moves (Q3), how smoothly (Q4), and how far
clips are from real ones (Q6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from ...training.motion_report import FLOW_RANGE, MOST_ERROR
from .estimates import Estimate, bootstrap, share
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

LOST = 16.0
"""Pixels that count as the residual of a thing that is not there."""

SEEDS = (0, 1, 2)
"""Of the random networks."""

RESAMPLED = 200
"""Draws of a Frechet distance's bootstrap."""


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


def add_tracks(
    finding: Finding,
    name: str,
    clips: Sequence[Tensor],
    real: Sequence[Tensor],
    found: Sequence[Case],
    role: str = CLAIM,
) -> None:
    """How smoothly things go that move along a line, and whether the way they are asked to."""
    tracks = [track(clip, case.scene) for clip, case in zip(clips, found, strict=True)]
    ideal = [track(clip, case.scene) for clip, case in zip(real, found, strict=True)]
    ratio = median_ratio(residuals(tracks), residuals(ideal))
    smooth, what = ratio.value <= ROUGHER, f"{name}: residual of the track, of real clips'"
    if role == CLAIM:
        finding.add(what, ratio, f"at most {ROUGHER:g}", smooth)
    elif role == CONTROL:
        finding.add(what, ratio, f"above {ROUGHER:g}", not smooth, control=True)
    else:
        finding.add(what, ratio)
    right = share([direction(t) == c.scene.motion for t, c in zip(tracks, found, strict=True)])
    finding.add(f"{name}: direction as asked", right, unit="%")


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
    """The mean over the seeds; its interval by drawing clips anew in all three sets."""

    def ratio(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        above = [frechet_distance(x[a], z[c]) for x, z in zip(clips, target, strict=True)]
        below = [frechet_distance(y[b], z[c]) for y, z in zip(floor, target, strict=True)]
        return float(np.mean(np.array(above) / np.array(below)))

    count = len(clips[0])
    everything = np.arange(count)
    random = np.random.default_rng(0)
    drawn = [ratio(*random.integers(0, count, (3, count))) for _ in range(RESAMPLED)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    value = ratio(everything, everything, everything)
    return Estimate(value, min(value, float(low)), max(value, float(high)), count)
