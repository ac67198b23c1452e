"""Batches that are drawn by a thread while the device works on the batch before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Drawn = TypeVar("Drawn")


class DrawnAhead(Generic[Drawn]):
    """What `draw` gives of a place; the place behind it is drawn meanwhile, up to before `end`.

    What is drawn hangs on its place alone, so nothing differs but the time. What `draw` raises is
    raised where its place is asked for.
    """

    def __init__(self, draw: Callable[[int], Drawn], end: int) -> None:
        self.draw, self.end = draw, end
        self.pool = ThreadPoolExecutor(1, "draw ahead")
        self.ahead: tuple[int, Future[Drawn]] | None = None

    def __call__(self, place: int) -> Drawn:
        ahead, self.ahead = self.ahead, None
        is_drawn = ahead is not None and ahead[0] == place
        found = ahead[1].result() if ahead and is_drawn else self.draw(place)
        if place + 1 < self.end:
            self.ahead = place + 1, self.pool.submit(self.draw, place + 1)
        return found
