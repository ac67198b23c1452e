"""Figures that several claims have in common: how much moves (Q3), how smoothly (Q4), and how far
clips are from real ones (Q6): Frechet distances of two kinds of features.

Features of a random 3-D network see what things look like and hardly how they move; moments of the
normal flow see motion alone. Neither is FVD, whose network learned from real videos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from ...measures.flow import pairs, warp_error
from ...measures.report import FLOW_RANGE, MOST_ERROR
from .estimates import Estimate, jackknife, mean, quotient_of_medians, share
from .findings import Figure, Line, above, at_most, between, figure, interval_above
from .scenes import Case
from .tracks import Smoothness, Track, direction, smoothness, track

CLAIM, CONTROL, TOLD = "claim", "control", "told"
"""What a set of clips is there for: to reach the lines, to be refused by them, or to be told."""
# how much less smooth than real clips, and how much further from them than they are from each other
ROUGHER, FURTHER = 3.0, 2.0
MISSING, AS_ASKED = 0.05, 0.5
"""Frames without the thing, at most; what the interval of directions as asked has to be above."""
VARIES = {"area": 0.02, "colour": 0.01}
"""What is asked of no clip to vary less than: a share of the thing's area; colour, in 0..1."""
LOST = 16.0  # pixels that count as the residual of a thing that is not there

SEEDS, WIDTHS = (0, 1, 2), (16, 32, 32)  # of the random networks
EDGE, CHANGE = 0.02, 0.02
"""Length of a picture's gradient from which a point has a normal flow; change of its brightness
from one frame to the next that counts as moving."""


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


def random_features(clips: Sequence[Tensor], seed: int) -> np.ndarray:
    """Of the last maps of a random network the mean, the standard deviation over time and the mean
    change from frame to frame.   each f h w 3 -> n c"""
    torch.manual_seed(seed)
    network, found = nn.Sequential(), []
    for width, outputs in zip((3, *WIDTHS), WIDTHS, strict=False):
        network.append(nn.Conv3d(width, outputs, 3, (1, 2, 2), 1))
        network.extend([nn.GroupNorm(1, outputs), nn.LeakyReLU(0.2)])
    for clip in clips:
        with torch.no_grad():
            maps = network(clip.permute(3, 0, 1, 2)[None].float() * 2 - 1)[0].flatten(2)
        parts = maps.mean(1), maps.std(1), maps.diff(dim=1).abs().mean(1)
        found.append(torch.cat([part.mean(1) for part in parts]))
    return torch.stack(found).double().numpy()


def flow_moments(clip: Tensor) -> np.ndarray:
    """Twelve moments of the normal flow -I_t grad(I) / |grad(I)|^2, in pixels a frame: of its parts
    to the right and down and its length the mean, the standard deviation and that of the frames'
    means; the 90th percentile of its length; of the points that change, the share, its standard
    deviation over time.   f h w 3 -> 12"""
    luma = clip.double().numpy() @ np.array([0.299, 0.587, 0.114])
    gradient = [0.5 * (part[1:] + part[:-1]) for part in np.gradient(luma, axis=(2, 1))]
    change, steep = np.diff(luma, axis=0), np.hypot(*gradient)
    edge = steep > EDGE
    normal = np.where(edge, -change / np.maximum(steep, EDGE), 0.0).clip(-16, 16)
    found = []
    for part in (*(normal * g / np.maximum(steep, EDGE) for g in gradient), np.abs(normal)):
        found += [part[edge].mean() if edge.any() else 0.0, part.std(), part.mean((1, 2)).std()]
    fast = np.percentile(np.abs(normal[edge]), 90) if edge.any() else 0.0
    moving = (np.abs(change) > CHANGE).mean((1, 2))
    return np.array([*found, fast, moving.mean(), moving.std()])


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^1/2) (Dowson & Landau 1982), each feature in units
    of its standard deviation over `b`, the real clips.   n c, m c"""
    unit = np.maximum(b.std(axis=0), 1e-9)
    a, b = a / unit, b / unit
    means = a.mean(axis=0) - b.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (a, b))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    # the trace of (C_a C_b)^1/2 is that of (R C_b R)^1/2, which is symmetric
    both = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
    return float(means @ means + np.trace(first) + np.trace(second) - 2 * both)


Features = list[np.ndarray]  # of a set of clips, n c, one for each seed
KINDS: dict[str, Callable[[Sequence[Tensor]], Features]] = {
    "random features": lambda clips: [random_features(clips, seed) for seed in SEEDS],
    "normal flow": lambda clips: [np.stack([flow_moments(clip) for clip in clips])],
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
        for name, some in {"generated": clips, **controls}.items():
            ratio, control = frechet_ratio(features(some), floor, target), name in controls
            line = above(FURTHER) if control else at_most(FURTHER)
            what = f"Frechet distance, {kind}, of real clips': {name}"
            yield figure(what, ratio, line, control=control)


def frechet_ratio(clips: Features, floor: Features, target: Features) -> Estimate:
    """The mean over the seeds; its interval by leaving clips out of all three sets."""

    def ratio(chosen: np.ndarray) -> float:
        seeds = zip(clips, floor, target, strict=True)
        parts = [[features[chosen] for features in seed] for seed in seeds]
        ratios = [frechet_distance(x, z) / frechet_distance(y, z) for x, y, z in parts]
        return float(np.mean(ratios))

    return jackknife(ratio, len(clips[0]))
