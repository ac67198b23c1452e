"""The ranks of this process's crew, as sampling/crew.py asks for them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from .digest import Parts, parts_of
from .roll_call import Members, RollCall
from .settings import Settings
from .shift import Shift
from .store import Heartbeat, RankError, Store

log = logging.getLogger(__name__)

PACK = Path(__file__).resolve().parents[1]


class Ranks:
    """All ranks, seen by one of them.

    each: called in a thread, again and again, with the store; calls: called with it at the
    beginning of each run, before the others are waited for -> the identity of what rank 0 has
    handed on, None for a run of this rank by itself. Raises RankError where rank 0 cannot keep the
    store; whether it is reached shows when a run begins.

    joined: the identity whose run goes on, or has ended; "" while the others are waited for.
    """

    def __init__(
        self,
        settings: Settings,
        each: Callable[[Store], None] | None = None,
        calls: Callable[[Store], str | None] | None = None,
    ) -> None:
        self.settings, self.calls = settings, calls
        self.store: Any = Store(settings) if settings.hosts else None
        self.roll_call = RollCall(self.store, settings)
        self.joined = ""
        self.turn: tuple[str, int] = ("", 0)
        self.heartbeat = Heartbeat(settings, each)

    @contextmanager
    def begin(self, noise: Tensor, sigmas: Tensor, seed: int | None) -> Iterator[Shift]:
        """The run that all ranks begin together; see Crew of sampling/crew.py."""
        self.connect()
        prompt = "" if self.calls is None else self.calls(self.store)
        if prompt is None:
            yield Shift(self.store, Members(0, (self.settings.rank,)))
            return
        members = self.gather(prompt, parts_of(noise, sigmas, seed, PACK))
        began = time.monotonic()
        shift = Shift(self.store, members)
        try:
            shift.meet()
            yield shift
        except BaseException as error:
            shift.close(error)
            if isinstance(error, RankError):
                self.roll_call.lose(error.dead)
            raise
        shift.close(None)
        ranks, seconds = len(members.ranks), time.monotonic() - began
        log.info("AnimateDiff Kit: sampled on %d ranks in %.1f s.", ranks, seconds)

    def gather(self, prompt: str, parts: Parts) -> Members:
        """Wait for the others. A node may sample several videos, one after the other: which of
        them this is must be alike too."""
        self.joined, self.roll_call.prompt = "", prompt
        self.turn = (prompt, self.turn[1] + 1 if self.turn[0] == prompt else 1)
        place = {"the video's place in the node": str(self.turn[1])} if prompt else {}
        members = self.roll_call({**parts, **place})
        self.joined = prompt
        return members

    def connect(self) -> None:
        """A connection that works, also to a rank 0 that was started again."""
        if not self.settings.hosts:
            self.store = self.roll_call.store = Store(self.settings)

    def close(self) -> None:
        self.heartbeat.stop()
