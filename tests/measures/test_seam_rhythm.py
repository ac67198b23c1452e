"""Seams wherever they lie: found at any phase, and not where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from animatediff_kit.measures.seam_rhythm import Rhythm, seam_rhythm

STEPS, DISTANCE, FLOW = 255, 12, 2.0


def noise(seed: int, smooth: int = 1) -> np.ndarray:
    """Departures as of a video without windows; smooth: over how many steps they are alike."""
    drawn = np.random.default_rng(seed).gamma(4.0, 0.1, STEPS + smooth - 1)
    return np.convolve(drawn, np.ones(smooth) / smooth, "valid")


def with_seams(seed: int, phase: int, size: float, width: int = 1) -> np.ndarray:
    found = noise(seed)
    for step in range(phase, STEPS, DISTANCE):
        found[step : step + width] += size
    return found


@pytest.mark.parametrize("phase", range(DISTANCE))
def test_seams_are_found_at_every_phase(phase: int) -> None:
    found = seam_rhythm(with_seams(1, phase, 0.5), DISTANCE, FLOW)
    assert not found.passes and found.effect == pytest.approx(0.25, abs=0.1)


def test_wide_ones_too_and_those_of_half_the_distance() -> None:
    """The harmonics: windows of which each has two borders."""
    assert not seam_rhythm(with_seams(2, 3, 0.4, 4), DISTANCE, FLOW).passes
    both = with_seams(3, 0, 0.3) + with_seams(4, 6, 0.3)
    assert not seam_rhythm(both, DISTANCE, FLOW).passes


@pytest.mark.parametrize("smooth", [1, 3, 9])
def test_chance_is_chance(smooth: int) -> None:
    """Of videos without seams, smooth ones too, one in twenty is below 5 %."""
    chances = [seam_rhythm(noise(seed, smooth), DISTANCE, FLOW).chance for seed in range(50)]
    below = np.mean([chance is not None and chance < 0.05 for chance in chances])
    assert below <= 0.12


def test_what_comes_back_by_itself_is_no_seam() -> None:
    """A thing that goes round in 20 frames, and departs most where it turns: every fifth frame,
    which its fifth harmonic has in common with windows 12 apart."""
    moments = 2 * np.pi * np.arange(STEPS) / 20
    found = noise(5) + 0.3 * np.sin(5 * moments) + 0.2 * np.sin(moments)
    assert not seam_rhythm(found, DISTANCE, FLOW).passes
    assert seam_rhythm(found, DISTANCE, FLOW, 20).passes
    assert not seam_rhythm(found + comb(0.5), DISTANCE, FLOW, 20).passes, "seams are left"


def test_small_seams_are_none_and_short_clips_tell_nothing() -> None:
    small = seam_rhythm(0.01 * noise(6) + comb(0.05), DISTANCE, FLOW)
    assert small.chance is not None and small.chance < 0.05 and small.passes
    assert seam_rhythm(np.ones(2 * DISTANCE), DISTANCE, FLOW) == Rhythm(None, None)
    assert seam_rhythm(np.ones(2 * DISTANCE), DISTANCE, FLOW).passes
    assert seam_rhythm(np.ones(STEPS), DISTANCE, FLOW).passes, "a clip that never departs"


def comb(size: float) -> np.ndarray:
    found = np.zeros(STEPS)
    found[::DISTANCE] = size
    return found


def test_windows_that_begin_at_every_frame_are_refused() -> None:
    with pytest.raises(
        ValueError, match="^Windows 1 frame apart have no rhythm; the distance must"
    ):
        seam_rhythm(np.ones(STEPS), 1, FLOW)
