"""The engine for servers that run already: a thread for each, which hands it one row at a time."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from launcher import LauncherError
from launcher.client import Client
from launcher.server import answers

from .engine import TRIES, given_up
from .jobs import Job
from .render import Outcome, Renderer, ServerGone

PATIENCE = 120.0
"""Seconds that a server which is gone has to come back."""


class RunningServers:
    """Servers by their addresses. say: where it tells of those that are lost."""

    def __init__(
        self, urls: Sequence[str], say: Callable[[str], None], patience: float = PATIENCE
    ) -> None:
        self.renderers = [Renderer(client_of(url), url) for url in dict.fromkeys(urls)]
        self.say, self.patience = say, patience
        self._closing = threading.Event()
        self._waiting: queue.Queue[Job | None] = queue.Queue()
        self._told: queue.Queue[Outcome | Renderer] = queue.Queue()
        self._lost: Counter[str] = Counter()

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
        for job in jobs:
            self._waiting.put(job)
        for renderer in self.renderers:
            threading.Thread(target=self._serve, args=(renderer,), daemon=True).start()
        left, alive = len(jobs), len(self.renderers)
        while left:
            told = self._next()
            if isinstance(told, Outcome):
                left -= 1
                yield told
            else:
                alive -= 1
                self.say(f"{told.name} did not come back in {self.patience:.0f} s: it is left out.")
                if not alive:
                    raise LauncherError(
                        f"No server is left, and {left} rows are not rendered. Start the servers, "
                        "and the same command again."
                    )
        for _ in self.renderers:
            self._waiting.put(None)

    def close(self) -> None:
        self._closing.set()
        for renderer in self.renderers:
            renderer.cancel()

    def _next(self) -> Outcome | Renderer:
        while True:
            try:
                return self._told.get(timeout=0.5)  # so that Ctrl-C is heard on Windows too
            except queue.Empty:
                continue

    def _serve(self, renderer: Renderer) -> None:
        """What the thread of a server does."""
        while (job := self._waiting.get()) is not None and not self._closing.is_set():
            try:
                self._told.put(renderer.render(job))
            except ServerGone as gone:
                if self._closing.is_set():
                    return
                self.say(str(gone))
                self._give_back(job, renderer)
                if not self._comes_back(renderer):
                    self._told.put(renderer)
                    return

    def _give_back(self, job: Job, renderer: Renderer) -> None:
        """For any server, unless it has taken several with it."""
        self._lost[job.name] += 1
        if self._lost[job.name] < TRIES:
            self._waiting.put(job)
        else:
            self._told.put(given_up(job, renderer.name))

    def _comes_back(self, renderer: Renderer) -> bool:
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline and not self._closing.wait(1.0):
            if answers(renderer.client):
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
