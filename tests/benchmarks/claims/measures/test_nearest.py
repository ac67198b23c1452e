"""The distance to the nearest training clip: copies are near, fresh clips are not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from adk_tests.benchmarks.claims.measures.drawn import moving
from animatediff_kit.benchmarks.claims.measures.nearest import nearest_distances, thumbnails

GREYS = torch.tensor([0.1, 0.5, 0.9])[:, None, None, None, None].expand(3, 16, 64, 64, 3)


def test_the_distance_is_in_brightness() -> None:
    found = nearest_distances(thumbnails([GREYS[0] + 0.05, GREYS[2]]), thumbnails(GREYS))
    assert found == pytest.approx([0.05, 0.0], abs=1e-4)


def test_copies_are_nearer_than_fresh_clips() -> None:
    training = thumbnails(case.real for case in moving(24))
    noise = torch.randn(6, training.shape[1], generator=torch.Generator().manual_seed(0))
    copies = nearest_distances(training[:6] + 0.02 * noise, training)
    fresh = nearest_distances(thumbnails(case.real for case in moving(24, seed=22)), training)
    assert np.median(copies) < 0.25 * np.median(fresh)
