"""What is shown beside the work takes a small share of its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pace:
    """Keeps something to a small share of the time: it is due again after `least` seconds, and
    after `times` as long as it took the last time. clock: gives seconds."""

    def __init__(
        self, least: float, times: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.least, self.times, self.clock = least, times, clock
        self.next = clock()

    def due(self) -> bool:
        return self.clock() >= self.next

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Around what is done, to see how long it takes."""
        start = self.clock()
        yield
        end = self.clock()
        self.next = end + max(self.least, self.times * (end - start))
