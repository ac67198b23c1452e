"""The matched filter for the video set's mark: there in real spoiled clips, gone in clean ones, and
in proportion between. The distance to the nearest training clip: copies are near, fresh ones not.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from adk_tests.benchmarks.claims.drawn import moving
from animatediff_kit.benchmarks.claims.claim_adapter import (
    nearest_distances,
    thumbnails,
    watermark_response,
)
from animatediff_kit.small_world.motions import SIDE
from animatediff_kit.small_world.styles import MARK_OPACITY, watermark

GREYS = torch.tensor([0.1, 0.5, 0.9])[:, None, None, None, None].expand(3, 16, 64, 64, 3)


def test_the_mark_on_black_has_its_own_opacity() -> None:
    marked = MARK_OPACITY * torch.from_numpy(watermark())[None, :, :, None].expand(2, SIDE, SIDE, 3)
    assert watermark_response(marked) == pytest.approx(MARK_OPACITY, rel=1e-4)


def test_it_tells_spoiled_clips_from_clean_ones() -> None:
    spoiled = np.array([watermark_response(case.spoiled) for case in moving()])
    clean = np.array([watermark_response(case.real) for case in moving()])
    assert spoiled.mean() > 20 * abs(clean.mean())
    assert (spoiled > clean + 0.02).all()


def test_it_is_in_proportion() -> None:
    for case in moving()[:4]:
        half = (case.spoiled + case.real) / 2
        ends = watermark_response(case.spoiled), watermark_response(case.real)
        assert watermark_response(half) == pytest.approx(np.mean(ends), abs=1e-6)


def test_a_mark_elsewhere_is_none() -> None:
    for case in moving()[:4]:
        moved = case.spoiled.roll((-17, 5), (1, 2))
        assert abs(watermark_response(moved)) < 0.25 * watermark_response(case.spoiled)


def test_the_distance_is_in_brightness() -> None:
    found = nearest_distances(thumbnails([GREYS[0] + 0.05, GREYS[2]]), thumbnails(GREYS))
    assert found == pytest.approx([0.05, 0.0], abs=1e-4)


def test_copies_are_nearer_than_fresh_clips() -> None:
    training = thumbnails(case.real for case in moving(24))
    noise = torch.randn(6, training.shape[1], generator=torch.Generator().manual_seed(0))
    copies = nearest_distances(training[:6] + 0.02 * noise, training)
    fresh = nearest_distances(thumbnails(case.real for case in moving(24, seed=22)), training)
    assert np.median(copies) < 0.25 * np.median(fresh)
