"""What renders the rows of a fleet: servers that run already, or servers of its own by Ray."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from .jobs import Job
from .render import Outcome

TRIES = 3
"""Servers that a row may lose before it is given up: it may be what ends them."""


class Engine(Protocol):
    """Several servers. Closed in any case, which stops what they still render for us."""

    def object_infos(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(server, its node classes): of each server that rows will be sent to, or of one where
        all are alike. Raises LauncherError where none comes up."""
        ...

    def render(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """One outcome a job, in the order in which they end. A row whose server is lost goes to
        another. Raises LauncherError when no server is left."""
        ...

    def close(self) -> None: ...


def given_up(job: Job, server: str) -> Outcome:
    """The outcome of a row that lost all its tries."""
    error = f"{TRIES} servers were lost while they rendered this row; it may be too large for them."
    return Outcome(job.name, server, 0.0, (), error)
