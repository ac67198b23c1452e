"""Seams wherever they lie: whether a video's motion departs from its neighbours' in the rhythm of
its context windows.

measures/seams.py compares the places where windows meet with the rest, so that it must know these
places, and is blind where they move from step to step. This one knows only how far apart windows
begin. Steps are folded by that distance; if the means of its phases differ by more than chance,
something comes back with every window. Their variance is the power of the departures at the
windows' frequency and all of its harmonics (Parseval), over all phases.

What the video itself shows again and again has harmonics in common with the windows': a thing that
goes round in 20 frames, and windows 12 apart, both have one of 4 frames. So a known rhythm of the
content is taken away first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .seams import CHANCE, DRAWS, EFFECT, ROUNDING

LEAST = 3
"""Windows that a rhythm takes."""


@dataclass(frozen=True)
class Rhythm:
    """effect: how far the phase that departs most lies above the middle one, as a share of the
    clip's flow; chance: the probability of as large a power without a rhythm. None: too short."""

    effect: float | None
    chance: float | None

    @property
    def passes(self) -> bool:
        if self.effect is None or self.chance is None:
            return True
        return self.effect < EFFECT or self.chance >= CHANCE


def seam_rhythm(
    departures: np.ndarray, distance: int, flow: float, content: int | None = None
) -> Rhythm:
    """A permutation test, whose permutations turn each stretch of `distance` steps round by itself:
    what is alike in neighbouring frames stays so.

    departures: f-1, of motion_departures (seams.py), in pixels;   distance: frames from one window
    to the next;   flow: pixels a frame that the effect is told in;   content: frames after which
    the video's own motion comes back, where it does. Raises ValueError for a distance below 2,
    which has no phases.
    """
    if distance < 2:
        raise ValueError(
            f"Windows {distance} frame apart have no rhythm; the distance must be at least 2."
        )
    stretches = len(departures) // distance
    if stretches < LEAST:
        return Rhythm(None, None)
    departures = departures - mean_round(departures, content)
    folded = departures[: stretches * distance].reshape(stretches, distance)
    turns = np.random.default_rng(0).integers(distance, size=(DRAWS, stretches))
    turns[0] = 0  # the clip itself is one of them (Phipson & Smyth 2010)
    places = (np.arange(distance) + turns[..., None]) % distance
    phases = np.take_along_axis(folded[None], places, axis=2).mean(axis=1)
    power = phases.var(axis=1)
    effect = (phases[0].max() - np.median(phases[0])) / flow
    return Rhythm(float(effect), float((power >= power[0] - ROUNDING**2).mean()))


def mean_round(values: np.ndarray, period: int | None) -> np.ndarray:
    """Of each value the mean of all at its moment of the period; 0 without one."""
    if period is None:
        return np.zeros_like(values)
    moments = np.arange(len(values)) % period
    sums, counts = np.bincount(moments, values), np.bincount(moments)
    return (sums / counts)[moments]
