"""Frechet distances: right for normal distributions, small between real sets, large to spoiled
ones."""

from __future__ import annotations

import numpy as np
import pytest
from adk_tests.benchmarks.claims.drawn import moving
from animatediff_kit.benchmarks.claims.quality import (
    flow_moments,
    frechet_distance,
    random_features,
)
from animatediff_kit.benchmarks.claims.scenes import frozen, shuffled

KINDS = {
    "random": lambda clips: random_features(clips, 0),
    "flow": lambda clips: np.stack([flow_moments(clip) for clip in clips]),
}


def test_the_distance_of_normal_distributions_is_the_formula_s() -> None:
    """Of N(1, 4) to N(0, 1), in units of the second: 1 + 4 + 1 - 2 * 2."""
    random = np.random.default_rng(0)
    b = random.standard_normal((40000, 2))
    a = 2 * random.standard_normal((40000, 2)) + np.array([1.0, 0.0])
    assert frechet_distance(a, b) == pytest.approx(1 + 2 * 1, rel=0.05)
    assert frechet_distance(5 * a, 5 * b) == pytest.approx(frechet_distance(a, b))
    assert frechet_distance(b, b) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spoil", [frozen, shuffled])
def test_spoiled_clips_are_further_from_real_ones_than_real_ones(kind: str, spoil: object) -> None:
    assert callable(spoil)
    features = KINDS[kind]
    real, others = moving(32), moving(32, seed=22)
    target = features([case.real for case in others])
    floor = frechet_distance(features([case.real for case in real]), target)
    spoiled = frechet_distance(features([spoil(case.real) for case in real]), target)
    assert spoiled > 2 * floor


def test_another_seed_is_another_network() -> None:
    clips = [case.real for case in moving(2)]
    assert np.array_equal(random_features(clips, 1), random_features(clips, 1))
    assert not np.allclose(random_features(clips, 1), random_features(clips, 2))
