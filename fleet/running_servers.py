"""The engine for servers that run already: a thread for each, which hands it one row at a time."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from launcher import LauncherError
from launcher.client import Client

from .jobs import Job
from .render import Outcome, Renderer, ServerGone
from .rows import SICK, Rows, second_try

PATIENCE = 120.0
"""Seconds that a server which is gone has to come back."""

Event = Outcome | Exception | bool
"""Of a row; ServerGone or what else ended it; whether a server that was gone is back."""

Told = tuple[Renderer, Event]


class RunningServers:
    """Servers by their addresses. say: where it tells of those that are lost."""

    def __init__(
        self, urls: Sequence[str], say: Callable[[str], None], patience: float = PATIENCE
    ) -> None:
        self.renderers = [Renderer(client_of(url), url) for url in dict.fromkeys(urls)]
        self.say, self.patience = say, patience
        self._closing = threading.Event()
        self._orders = {renderer: queue.Queue[Job | None]() for renderer in self.renderers}
        self._told: queue.Queue[Told] = queue.Queue()
        self._idle = deque(self.renderers)
        self._busy: dict[Renderer, Job] = {}
        self._away: set[Renderer] = set()

    def object_infos(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for renderer in self.renderers:
            try:
                yield renderer.name, renderer.client.object_info()
            except (OSError, ValueError) as error:
                raise LauncherError(
                    f"{renderer.name} does not answer as a ComfyUI does ({error}); start it, or "
                    "leave it out."
                ) from None

    def render(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        rows = Rows(jobs)
        for renderer in self.renderers:
            threading.Thread(target=self._serve, args=(renderer,), daemon=True).start()
        try:
            while rows or self._busy:
                self._hand_out(rows)
                if not self._busy and not self._away:
                    yield from self._at_the_end(rows)
                elif outcome := self._heard(rows, *self._next()):
                    self._hand_out(rows)  # before the caller writes files
                    yield outcome
        finally:
            for orders in self._orders.values():
                orders.put(None)

    def close(self) -> None:
        self._closing.set()
        for renderer in self.renderers:
            renderer.cancel()

    def _hand_out(self, rows: Rows) -> None:
        for renderer in [*self._idle]:
            if rows.is_sick(renderer):
                self._idle.remove(renderer)
                told = f"{renderer.name} failed {SICK} rows on end that others rendered"
                self.say(f"{told}: it is left out. Read its log, and start it anew.")
            elif job := rows.take(renderer):
                self._idle.remove(renderer)
                self._busy[renderer] = job
                self._orders[renderer].put(job)

    def _at_the_end(self, rows: Rows) -> list[Outcome]:
        """Nobody is at work: rows are left that the servers which are there have failed."""
        if self._idle:
            return rows.failures()
        raise LauncherError(
            f"No server is left, and {len(rows)} rows are not rendered. Start the servers, and the "
            "same command again."
        )

    def _heard(self, rows: Rows, renderer: Renderer, event: Event) -> Outcome | None:
        """What the thread of a server tells. -> the outcome of a row that is done with"""
        if isinstance(event, Outcome):
            others = bool({*self._busy, *self._away, *self._idle} - {renderer})
            outcome = rows.ended(renderer, self._busy.pop(renderer), event, others)
            self._idle.append(renderer)
            if not outcome:
                self.say(second_try(event))
            return outcome
        if isinstance(event, ServerGone):
            self.say(str(event))
            self._away.add(renderer)
            return rows.lost(self._busy.pop(renderer), renderer.name)
        if isinstance(event, Exception):
            raise event
        self._came_back(renderer, event)
        return None

    def _came_back(self, renderer: Renderer, it_did: bool) -> None:
        self._away.remove(renderer)
        if it_did:
            self._idle.append(renderer)
        else:
            self.say(f"{renderer.name} did not come back in {self.patience:.0f} s: it is left out.")

    def _next(self) -> Told:
        while True:
            try:
                return self._told.get(timeout=0.5)  # so that Ctrl-C is heard on Windows too
            except queue.Empty:
                continue

    def _serve(self, renderer: Renderer) -> None:
        """What the thread of a server does."""
        while (job := self._orders[renderer].get()) is not None and not self._closing.is_set():
            try:
                self._told.put((renderer, renderer.render(job)))
            except ServerGone as gone:
                self._told.put((renderer, gone))
                self._told.put((renderer, self._comes_back(renderer)))
            except Exception as error:  # a thread's own would be heard by nobody
                self._told.put((renderer, error))

    def _comes_back(self, renderer: Renderer) -> bool:
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline and not self._closing.wait(1.0):
            if renderer.is_back():
                return True
        return False


def client_of(url: str) -> Client:
    """A client of `http://HOST:PORT` or `HOST:PORT`. Raises LauncherError for anything else."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port = None, 0
    if not host or parts.scheme != "http" or parts.path.strip("/"):
        raise LauncherError(
            f"--server {url} is no address of a ComfyUI: write http://HOST:PORT, such as "
            "http://127.0.0.1:8188."
        )
    return Client(host, port)
