"""Which clips stand in which batch."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from animatediff_kit.training.engine import batch_order
from animatediff_kit.training.engine.batch_order import BatchOrder, buckets, generator_for


def test_clips_stand_in_one_bucket_when_their_shapes_agree():
    shapes = [(4, 4, 8, 8), (4, 4, 8, 6), (4, 4, 8, 8), (3, 4, 8, 8), (4, 4, 8, 6)]
    assert buckets(shapes) == [[0, 2], [1, 4], [3]]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
@pytest.mark.parametrize(
    "groups", [[range(7)], [[0, 2, 4], [1, 3, 5, 6]], [[0], [1, 2, 3, 4, 5, 6]]]
)
def test_an_epoch_shows_every_clip_and_none_more_often_than_its_bucket_needs(groups, size):
    groups = [list(group) for group in groups]
    passes = sum(-(-len(group) // size) for group in groups)
    order = BatchOrder(groups, size, seed=5)
    for epoch in range(3):
        shown = [order.batch(epoch * passes + i) for i in range(passes)]
        assert {i for batch in shown for i in batch} == set(range(7))
        counts = Counter(i for batch in shown for i in batch)
        for group in groups:
            most = -(-(-(-len(group) // size) * size) // len(group))
            assert max(counts[i] for i in group) <= most


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_batch_is_whole_and_from_one_bucket(size):
    groups = [[0, 2, 4], [1, 3, 5, 6]]
    order = BatchOrder(groups, size, seed=1)
    for step in range(20):
        batch = order.batch(step)
        assert len(batch) == size
        assert any(set(batch) <= set(group) for group in groups)


def by_the_book(place: int, groups: list[list[int]], size: int, seed: int) -> list[int]:
    """The batch of a pass from nothing that was kept: the whole epoch, element by element."""
    epoch, row = divmod(place, sum(-(-len(group) // size) for group in groups))
    generator = generator_for(seed, 0, epoch)
    batches: list[list[int]] = []
    for group in groups:
        order = [group[i] for i in torch.randperm(len(group), generator=generator).tolist()]
        for start in range(0, len(order), size):
            batches.append([order[(start + i) % len(order)] for i in range(size)])
    return batches[int(torch.randperm(len(batches), generator=generator)[row])]


@pytest.mark.parametrize("seed", [0, 7, 2**63])
@pytest.mark.parametrize("size", [1, 3, 4, 9])
@pytest.mark.parametrize(
    "groups", [[range(11)], [[0, 2, 4], [1, 3, 5, 6]], [[5], range(6, 23), [1, 0, 3, 2]]]
)
def test_an_epoch_that_is_kept_is_the_epoch_anew(groups: Any, size: int, seed: int):
    """Forwards through several epochs, and back and forth between them."""
    groups = [list(group) for group in groups]
    order = BatchOrder(groups, size, seed)
    there_and_back = [*range(60), 3, 57, 0, 58, 4]
    for place in there_and_back:
        assert order.batch(place) == by_the_book(place, groups, size, seed), place


def test_an_epoch_is_drawn_once(monkeypatch: pytest.MonkeyPatch):
    """However many passes it has: what a pass costs must not grow with the set."""
    drawn: list[int] = []

    def noted(*place: int) -> torch.Generator:
        drawn.append(place[-1])
        return generator_for(*place)

    monkeypatch.setattr(batch_order, "generator_for", noted)
    order = BatchOrder([list(range(10))], 2, seed=3)
    for place in range(15):
        order.batch(place)
    assert drawn == [0, 1, 2]


def test_epochs_and_seeds_have_orders_of_their_own():
    groups = [list(range(30))]
    orders = [
        tuple(BatchOrder(groups, 30, seed).batch(epoch)) for epoch in range(3) for seed in (0, 1)
    ]
    assert len(set(orders)) == 6


def test_buckets_are_mixed_over_an_epoch():
    groups = [list(range(40)), list(range(40, 80))]
    order = BatchOrder(groups, 4, seed=0)
    kinds = [order.batch(step)[0] < 40 for step in range(20)]
    assert kinds != sorted(kinds) and kinds != sorted(kinds, reverse=True)


def test_no_two_places_of_a_run_share_a_stream():
    """Those of the order of clips and those of noise, in long runs of neighbouring seeds."""
    streams = [
        int(torch.randint(2**62, (1,), generator=generator_for(seed, kind, step)))
        for seed in (0, 1)
        for kind in (0, 1)
        for step in range(1500)
    ]
    assert len(set(streams)) == len(streams)


def test_all_of_a_large_seed_counts():
    seeds = (7, 7 + 2**32, 7 + 2**63)
    assert len({int(generator_for(seed, 1, 3).initial_seed()) for seed in seeds}) == 3
