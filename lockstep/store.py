"""The store that all ranks meet in: torch.distributed's, kept by rank 0.

Keys, all below "animatediff_kit":

    beat/R        counts up while rank R lives
    arrived/R     rank R stands at the beginning of a run: its ticket, and what it was given
    verdict/T     what rank 0 says to the one with the ticket T: the members of the run, or why not
    left/RUN      sentences of ranks that left a run before its end
    computed/RUN  counts up when a rank has computed its share of a step
    prompts, prompt/N    how many runs rank 0 has handed on, and the Nth (nodes/ranks.py)
    failed/R      what rank R was handed and cannot run, and why
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

from torch.distributed import PrefixStore, TCPStore  # pyright: ignore

from .settings import Settings

log = logging.getLogger(__name__)

PREFIX = "animatediff_kit"
PAUSE = 0.02
"""Seconds between two looks into the store."""

BEAT = 0.5
"""Seconds between two signs of life."""


class RankError(RuntimeError):
    """A run that ranks began together cannot go on; it says why, and what to do.   dead: those
    that give no sign of life"""

    def __init__(self, sentence: str, dead: Collection[int] = ()) -> None:
        super().__init__(sentence)
        self.dead = dead


class Store:
    """A connection to the store. Raises RankError where rank 0 does not answer."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.base = opened(settings)
        self.keys = PrefixStore(PREFIX, self.base)

    def read(self, key: str) -> Any:
        """What a key holds; None where it is not set."""
        try:
            if not self.keys.check([key]):
                return None
            return json.loads(self.keys.get(key))
        except RuntimeError as error:
            raise gone(self.settings) from error

    def write(self, key: str, value: Any) -> None:
        try:
            self.keys.set(key, json.dumps(value))
        except RuntimeError as error:
            raise gone(self.settings) from error

    def remove(self, key: str) -> None:
        try:
            self.keys.delete_key(key)
        except RuntimeError as error:
            raise gone(self.settings) from error

    def count(self, key: str, by: int = 1) -> int:
        """What a counter shows after it went on by so many."""
        try:
            return self.keys.add(key, by)
        except RuntimeError as error:
            raise gone(self.settings) from error


def opened(settings: Settings) -> TCPStore:
    try:
        return TCPStore(
            settings.host,
            settings.port,
            is_master=settings.hosts,
            wait_for_workers=False,
            timeout=timedelta(seconds=settings.timeout),
        )
    except RuntimeError as error:
        if not settings.hosts:
            raise gone(settings) from error
        raise RankError(
            f"Rank 0 cannot keep the store at port {settings.port} ({first_line(error)}); choose "
            "another port with --master, the same for all ranks."
        ) from error


def gone(settings: Settings) -> RankError:
    return RankError(
        f"Rank 0 does not answer at {settings.host}:{settings.port}; start it, and see that this "
        "machine reaches that port."
    )


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class Heartbeat:
    """Counts up a key while this process lives, in a thread and over a connection of its own.

    `each` is called after every beat, with the store. Where rank 0 is gone, it tries again until it
    is back.
    """

    def __init__(self, settings: Settings, each: Callable[[Store], None] | None = None) -> None:
        self.settings, self.each = replace(settings, hosts=False), each
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, name="animatediff rank", daemon=True)
        self.thread.start()

    def run(self) -> None:
        store: Store | None = None
        while not self.stopped.is_set():
            try:
                store = store or Store(self.settings)
                store.count(f"beat/{self.settings.rank}")
                if self.each is not None:
                    self.each(store)
            except RankError:
                store = None
            except OSError as error:  # this rank's own server is not up yet, or busy
                log.debug("Rank %d tries again: %s", self.settings.rank, error)
            self.stopped.wait(BEAT)

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join(self.settings.timeout)


class Signs:
    """How long ago each rank gave a sign of life, as the one who waits sees it."""

    def __init__(self) -> None:
        self.seen: dict[int, tuple[int, float]] = {}

    def silence(self, store: Store, rank: int) -> float:
        """Seconds since the rank's last beat, or since the first look at it."""
        beat, now = beats(store, rank), time.monotonic()
        if rank not in self.seen or self.seen[rank][0] != beat:
            self.seen[rank] = (beat, now)
        return now - self.seen[rank][1]


def beats(store: Store, rank: int) -> int:
    return store.count(f"beat/{rank}", 0)


def dead(store: Store, ranks: Collection[int]) -> list[int]:
    """Those of the ranks whose hearts do not beat."""
    before = {rank: beats(store, rank) for rank in ranks}
    time.sleep(4 * BEAT)
    return [rank for rank in ranks if beats(store, rank) == before[rank]]
