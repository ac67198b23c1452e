"""Which row goes to which server, and when its failure is its own rather than a server's."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable, Sequence

from .engine import TRIES, given_up
from .jobs import Job
from .render import Outcome

SICK = 3
"""Rows on end that fail on a server and not on others: it is what fails, after an error of CUDA, or
for want of a file."""


class Rows:
    """The rows that wait, in order. A row that fails is tried on one other server; the second
    failure is the row's. Servers are told apart by any key."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._waiting = deque(jobs)
        self._failed: dict[str, tuple[Hashable, Outcome]] = {}  # rows that failed once
        self._lost: Counter[str] = Counter()
        self._refuted: Counter[Hashable] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, server: Hashable) -> Job | None:
        """The next row for a server, which has not failed there; None where there is none."""
        for at, job in enumerate(self._waiting):
            if job.name not in self._failed or self._failed[job.name][0] != server:
                del self._waiting[at]
                return job
        return None

    def ended(self, server: Hashable, job: Job, outcome: Outcome, others: bool) -> Outcome | None:
        """The outcome where it is the row's last; None where it goes to another server.

        others: whether there is another one.
        """
        before = self._failed.pop(job.name, None)
        if not outcome.error:
            self._refuted.pop(server, None)
            if before:
                self._refuted[before[0]] += 1
        elif not before and others:
            self._failed[job.name] = (server, outcome)
            self._waiting.appendleft(job)  # soon, so that a server which fails all is known soon
            return None
        return outcome

    def lost(self, job: Job, server: str) -> Outcome | None:
        """For a row whose server was lost: its outcome where it has lost several."""
        self._lost[job.name] += 1
        if self._lost[job.name] < TRIES:
            self._waiting.appendleft(job)
            return None
        return given_up(job, server)

    def is_sick(self, server: Hashable) -> bool:
        return self._refuted[server] >= SICK

    def is_new(self, server: Hashable) -> None:
        """It was started anew: what failed on it before says nothing."""
        self._refuted.pop(server, None)

    def failures(self) -> list[Outcome]:
        """Of the rows that wait and have failed once, which wait no longer."""
        ended = [self._failed.pop(job.name)[1] for job in self._waiting if job.name in self._failed]
        names = {outcome.name for outcome in ended}
        self._waiting = deque(job for job in self._waiting if job.name not in names)
        return ended


def second_try(outcome: Outcome) -> str:
    """What is said of a row that goes to another server."""
    return f"{outcome.name} failed on {outcome.server} and goes to another: {outcome.error}"
