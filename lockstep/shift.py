"""One run of one rank: its windows, and those of the others.

The predictions are gathered, not their sums: every rank adds them in the order of the windows, so
that a video is bit for bit that of one rank; and with an overlap of a quarter less is sent than for
sums. They go through host memory and Gloo. They are small (of 128 frames of 512 x 512 with two
prompts 23 MB), and where a rank dies, Gloo says so to the others; NCCL would end their processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor
from torch.distributed import PrefixStore  # pyright: ignore[reportPrivateImportUsage]

from .address import group_at
from .roll_call import PATIENCE, Members
from .settings import TIMEOUT_VARIABLE
from .store import PAUSE, PREFIX, RankError, Signs, Store, dead, first_line

LOOK = 0.001
"""Seconds between two looks at an exchange that goes on."""

ASK = 0.005
"""Seconds between two questions whether all have come to an exchange."""


class Shift:
    """The part of one rank in a run."""

    def __init__(self, store: Store, members: Members) -> None:
        settings = store.settings
        self.store, self.members, self.timeout = store, members, settings.timeout
        self.place = members.ranks.index(settings.rank)
        self.others = [rank for rank in members.ranks if rank != settings.rank]
        self.patience = PATIENCE * self.timeout
        self.group: Any = None
        self.exchanges = 0

    def meet(self) -> None:
        """Connect with the other members. Raises RankError where one does not come."""
        members = self.members
        if len(members.ranks) > 1:
            keys = PrefixStore(f"{PREFIX}/run/{members.run}", self.store.base)
            wait, ranks = timedelta(seconds=2 * self.timeout), len(members.ranks)
            try:
                self.group = group_at(members.address, keys, self.place, ranks, wait)
            except RankError:
                raise
            except RuntimeError as error:
                raise self.left_by_others(error) from error

    def share(self, windows: int) -> range:
        """The windows r, r + R, r + 2R ... of R ranks."""
        return range(self.place, windows, len(self.members.ranks))

    def joined(
        self, mine: Iterable[Tensor], lengths: Sequence[int], like: Tensor
    ) -> Iterator[Tensor]:
        """The predictions of all windows, in their order.   mine: of this rank's, in order, each
        conds l c h w;   lengths: l of each window;   like: conds n c h w. Raises RankError where a
        rank left the run or does not answer."""
        if self.group is None:
            yield from mine
            return
        ranks = len(self.members.ranks)
        dealt = [list(lengths[place::ranks]) for place in range(ranks)]
        parts = self.gathered([*mine], max(map(sum, dealt)), like)
        cut = [iter(p[: sum(of)].split(of)) for p, of in zip(parts, dealt, strict=True)]
        for i in range(len(lengths)):
            yield next(cut[i % ranks]).transpose(0, 1).to(like)

    def gathered(self, own: list[Tensor], frames: int, like: Tensor) -> list[Tensor]:
        """What each rank computed, in host memory, frames first; the largest share has so many,
        and Gloo takes all of one size."""
        shape = (frames, like.shape[0], *like.shape[2:])
        parts = [torch.zeros(shape, dtype=like.dtype) for _ in self.members.ranks]
        sent, at = torch.zeros(shape, dtype=like.dtype), 0
        for prediction in own:
            at += prediction.shape[1]
            sent[at - prediction.shape[1] : at] = prediction.transpose(0, 1)
        try:
            self.wait_for_all()
            self.wait(self.group.allgather([parts], [sent]))
        except RankError:
            raise
        except RuntimeError as error:
            raise self.left_by_others(error) from error
        return parts

    def wait_for_all(self) -> None:
        """Until every rank has computed its share of a step; Cancel ends it. A rank may be slower
        than the others, but it must live. This is not left to Gloo, which lets nobody go before its
        timeout, not even where the group is given up."""
        self.exchanges += 1
        key, all_of_them = f"computed/{self.members.run}", self.exchanges * len(self.members.ranks)
        self.store.count(key)
        signs = Signs()
        self.until(
            lambda: self.store.count(key, 0) >= all_of_them, ASK, partial(self.look_at_ranks, signs)
        )

    def wait(self, work: Any) -> None:
        """Until an exchange that all have come to is done; Cancel ends it."""
        self.until(work.is_completed, LOOK, self.look_at_exchange)
        work.wait()

    def until(self, done: Callable[[], bool], pause: float, look: Callable[[float], None]) -> None:
        """look: called now and then with the seconds so far; raises where nothing is to come"""
        began = looked = time.monotonic()
        while not done():
            throw_exception_if_processing_interrupted()
            now = time.monotonic()
            if now - looked > 10 * PAUSE:
                looked = now
                if self.store.read(self.key):
                    raise RuntimeError  # left_by_others reads why
                look(now - began)
            time.sleep(pause)

    def look_at_exchange(self, waited: float) -> None:
        if waited > self.timeout:
            raise RuntimeError(f"no answer for {waited:.0f} s")

    def look_at_ranks(self, signs: Signs, waited: float) -> None:
        silence = max(signs.silence(self.store, rank) for rank in self.others)
        if silence > self.timeout:
            raise RuntimeError(f"no sign of life for {silence:.0f} s")
        if waited > self.patience:
            told = too_slow(waited, self.members.ranks)
            self.store.write(self.key, told)
            raise RankError(told)

    @property
    def key(self) -> str:
        return f"left/{self.members.run}"

    def left_by_others(self, error: BaseException) -> RankError:
        """The sentence for an exchange that did not come about."""
        said = self.store.read(self.key)
        if said:
            return RankError(said)
        silent = dead(self.store, self.others)
        who = f"Rank {', '.join(map(str, silent))}" if silent else "Another rank"
        return RankError(
            f"{who} of {len(self.members.ranks)} broke off in the middle of this video "
            f"({first_line(error)}). See its log, start it again if it ended, and queue the prompt "
            "once more; without it, the others sample alone.",
            silent,
        )

    def close(self, error: BaseException | None) -> None:
        """End this rank's part; where an error ends it, the others are told."""
        if error is not None and not isinstance(error, RankError):
            rank = self.store.settings.rank
            why = f"{type(error).__name__}: {first_line(error)}"
            with suppress(RankError):  # rank 0 may be gone itself
                self.store.write(self.key, f"Rank {rank} left this video before its end ({why}).")
        if self.group is not None:
            self.group.abort()
            self.group = None


def too_slow(waited: float, ranks: Sequence[int]) -> str:
    return (
        f"A step of this video took one of {len(ranks)} ranks more than {waited:.0f} s, although "
        f"all live. See their logs; where one is that slow, set {TIMEOUT_VARIABLE} to a tenth of "
        "the seconds that a step may take, the same on all ranks."
    )
