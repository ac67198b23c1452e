"""A set of clips that are drawn from their own number, and a process that may die."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import pytest
import torch
from animatediff_kit.training.data.clips import ClipSet, UnreadableClip
from torch import Tensor

NEEDS_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
NEEDS_MEMORY_FIGURES = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="Linux alone tells its memory"
)

TRIES = 10


@dataclass
class DrawnClips(ClipSet):
    """bad: the clips that cannot be read.   was_read: the clips that have been, in their order"""

    count: int = 6
    length: int = 2
    height: int = 64
    width: int = 64
    bad: tuple[int, ...] = ()
    note: str = "drawn"
    was_read: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return f"clip {index}"

    def caption(self, index: int) -> str:
        return f"a caption {index % 3}"

    def description(self) -> dict[str, Any]:
        files = [{"file": self.name(i), "bytes": i * 100} for i in range(self.count)]
        return {"note": self.note, "width": self.width, "length": self.length, "files": files}

    def identity(self, index: int) -> dict[str, Any]:
        return {"note": self.note, "size": [self.width, self.height], "length": self.length}

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        return self.height, self.width

    def frames(self, index: int) -> Iterator[Tensor]:
        self.was_read.append(index)
        if index in self.bad:
            raise UnreadableClip(f"clip {index} cannot be decoded (torn).")
        generator = torch.Generator().manual_seed(index)
        yield from torch.rand((self.length, self.height, self.width, 3), generator=generator)


def in_a_process(work: Callable[[], Any]) -> ForkProcess:
    """Start `work` in a copy of this process.

    torch makes its thread pool anew in a copy, at the first use, and two threads that come to it
    first at once find none: the copy's main thread comes before any other.

    A copy of a process with threads may wait for ever for a lock that one of them held when it was
    made: where it has not come to `work` in 20 s, another takes its place, TRIES in all.
    """
    context = multiprocessing.get_context("fork")

    def alone(there: Connection[Any, Any]) -> None:
        torch.set_num_threads(1)
        there.send("here")
        there.recv()  # it begins when it is waited for alone
        work()

    for _ in range(TRIES):
        here, there = context.Pipe()
        process = context.Process(target=alone, args=(there,))
        process.start()
        if here.poll(20):
            here.recv()
            here.send("begin")
            return process
        process.kill()
        process.join()
    raise AssertionError(f"{TRIES} copies of this process have begun nothing")


def killed(work: Callable[[], Any], begun: Callable[[], bool], after: float) -> ForkProcess:
    """A copy of this process that did `work`, killed `after` seconds from when it had begun, and
    ended; it may have been done before.

    As in `in_a_process`, where nothing has begun in 20 s, another takes its place.
    """
    for _ in range(TRIES):
        process, until = in_a_process(work), time.monotonic() + 20
        while not begun() and process.is_alive() and time.monotonic() < until:
            time.sleep(0.001)
        process.join(after)
        process.kill()
        process.join()
        if begun():
            return process
    raise AssertionError(f"{TRIES} copies of this process have begun nothing")


def result_of(work: Callable[[], Any]) -> Any:
    """What `work` returns in a copy of this process, whatever it does to that one's limits and
    mounts."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = in_a_process(lambda: there.send(work()))
    there.close()
    try:
        return here.recv()
    finally:
        process.join()


def anonymous_memory() -> int:
    """Bytes of this process that are no file's, those too that the system has put on its disk for
    others' sake, and would bring back; without cycles that Python has not collected yet."""
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {name: rest for name, _, rest in (line.partition(":") for line in lines)}
    return sum(int(found[name].split()[0]) * 1024 for name in ("RssAnon", "VmSwap"))
