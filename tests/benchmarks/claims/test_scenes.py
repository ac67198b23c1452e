"""Clips spoiled on purpose are spoiled, and in the way that they say."""

from __future__ import annotations

import pytest
import torch
from animatediff_kit.benchmarks.claims.scenes import frozen, shuffled, shuffled_order

CLIP = torch.arange(16.0)[:, None, None, None].expand(16, 4, 4, 3) / 16


@pytest.mark.parametrize("seed", range(20))
def test_shuffling_keeps_all_frames_and_hardly_any_neighbours(seed: int) -> None:
    order = shuffled_order(16, seed)
    assert sorted(order.tolist()) == list(range(16))
    assert int((order.diff().abs() == 1).sum()) <= 1
    assert torch.equal(shuffled(CLIP, seed), CLIP[order])


def test_a_few_frames_cannot_be_shuffled() -> None:
    with pytest.raises(ValueError, match="3 frames have no order without neighbours"):
        shuffled_order(3)


def test_a_frozen_clip_is_one_frame() -> None:
    assert torch.equal(frozen(CLIP), CLIP[8:9].expand_as(CLIP))
