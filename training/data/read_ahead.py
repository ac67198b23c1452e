"""Work that is done by threads ahead of who needs it, a bounded number of items at one time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = 4
"""Decoders and torch release Python's lock, and have threads of their own."""


def ahead(
    work: Callable[[Item], Result], items: Iterable[Item], depth: int = 2 * THREADS
) -> Generator[Result, None, None]:
    """What `work` gives of each item, in their order; of at most `depth` items that are not taken
    yet, 1 or more. What it raises is raised where its result would come, and then, or when the
    generator is closed, no further item is begun."""
    source = iter(items)
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1, depth), "read ahead")
    try:
        waiting.extend(pool.submit(work, item) for item in islice(source, depth))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(source, 1))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
