"""Which clips stand in which batch, drawn from the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

Shape = tuple[int, ...]


def generator_for(seed: int, *place: int) -> torch.Generator:
    """A generator of its own for every place (step, pass...) of a run.

    Places are hashed to 32 bits, all that torch's generator for the CPU takes; so two places share
    a stream by chance alone.
    """
    (mixed,) = np.random.SeedSequence((seed, *place)).generate_state(1, np.uint32)
    return torch.Generator().manual_seed(int(mixed))


def buckets(shapes: Sequence[Shape]) -> list[list[int]]:
    """The clips that may stand in one batch: those of one shape."""
    found: dict[Shape, list[int]] = {}
    for index, shape in enumerate(shapes):
        found.setdefault(shape, []).append(index)
    return list(found.values())


class BatchOrder:
    """Which clips stand in which batch. An epoch shows every clip at least once, in a new order; a
    group that leaves a batch unfilled starts over from its first clips in that order.

    groups: the clips that may stand in one batch;   size: clips of a batch. The epoch that was
    asked for last is kept, so a batch costs what it holds, and only the first of an epoch costs
    what the set holds.
    """

    def __init__(self, groups: Sequence[Sequence[int]], size: int, seed: int) -> None:
        self.groups = [np.asarray(group, dtype=np.int64) for group in groups]
        self.size, self.seed = size, seed
        self.passes = sum(-(-len(group) // size) for group in self.groups)
        self.last: tuple[int, NDArray[np.int64]] | None = None

    def batch(self, place: int) -> list[int]:
        """The clips of forward pass `place`, 0 the first."""
        epoch, row = divmod(place, self.passes)
        last = self.last
        if last is None or last[0] != epoch:
            last = self.last = epoch, self.epoch(epoch)
        return last[1][row].tolist()

    def epoch_of(self, place: int) -> int:
        """The epoch that forward pass `place` belongs to, 0 the first."""
        return place // self.passes

    def epoch(self, number: int) -> NDArray[np.int64]:
        """All batches of an epoch, in their order.   -> passes size"""
        generator = generator_for(self.seed, 0, number)
        batches = [self.batches_of(group, generator) for group in self.groups]
        return np.concatenate(batches)[permutation(self.passes, generator)]

    def batches_of(self, group: NDArray[np.int64], generator: torch.Generator) -> NDArray[np.int64]:
        order = group[permutation(len(group), generator)]
        count = -(-len(group) // self.size)
        return np.resize(order, (count, self.size))  # repeats from the start where it falls short


def permutation(count: int, generator: torch.Generator) -> NDArray[np.int64]:
    return torch.randperm(count, generator=generator).numpy()
