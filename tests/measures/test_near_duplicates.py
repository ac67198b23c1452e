"""Which clips show nearly the same."""

from __future__ import annotations

import numpy as np
import torch
from adk_tests.support.moving import camera
from animatediff_kit.measures import near_duplicates as module
from animatediff_kit.measures.near_duplicates import near_duplicates, signature
from torch.nn import functional


def test_copies_are_found_and_others_are_not() -> None:
    """Another size, other compression, the same clip darkened to where all look alike."""
    clips = [camera(5, pan=3, seed=seed) for seed in range(6)]
    noise = torch.randn(clips[0].shape, generator=torch.Generator().manual_seed(0))
    worse = (clips[2] + 0.05 * noise).clamp(0, 1)
    smaller = functional.interpolate(clips[4].movedim(-1, 1), (72, 72), mode="area").movedim(1, -1)
    dark = [clip * 0.05 for clip in clips]
    found = near_duplicates(list(map(signature, [*clips, worse, smaller, *dark, clips[4]])))
    assert found == [[2, 6], [4, 7, 14]]


def test_the_same_pictures_that_move_otherwise_are_no_copies() -> None:
    still, moved = camera(5, seed=0), camera(5, pan=20, seed=0)
    assert near_duplicates([signature(still), signature(moved)]) == []


def test_flat_and_many(monkeypatch: object) -> None:
    flat = [np.full(576, 0.2), np.full(576, 0.2), np.full(576, 0.3)]
    assert near_duplicates(flat) == [[0, 1]] and near_duplicates([]) == []
    some = np.random.default_rng(0).random((3 * module.ROWS, 24)).astype(np.float32)
    some[2 * module.ROWS :] = some[: module.ROWS] + 0.001
    assert near_duplicates(list(some)) == [[i, 2 * module.ROWS + i] for i in range(module.ROWS)]
