"""What is called after every step of a run: small parts, put together. Each may raise to end the
run."""

from __future__ import annotations

from collections.abc import Callable

from ..engine.loop import Report

Watcher = Callable[[Report], None]


class InTurn:
    """Calls each of them, in this order. No closure: the frames of a traceback would hold on to it,
    and thus to the run, where their local variables can be cleared."""

    def __init__(self, *watchers: Watcher) -> None:
        self.watchers = watchers

    def __call__(self, report: Report) -> None:
        for watcher in self.watchers:
            watcher(report)


def no_watcher(report: Report) -> None:
    """Does nothing. A run that is over is given it: its watchers hold the run, which holds them,
    and such a circle keeps its memory until Python's next collection."""
