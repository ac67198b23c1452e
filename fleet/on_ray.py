"""The engine that starts servers: an actor of Ray for each GPU, or share of the CPUs.

Ray places the actors on the machines of a cluster and starts them anew when they end; an actor
whose ComfyUI is gone ends itself. A row is handed on here rather than retried by Ray, which would
keep it for the same actor, whose machine may not come back.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from launcher import LauncherError

from .jobs import Job
from .own_server import OwnServer
from .render import Outcome, ServerGone
from .rows import SICK, Rows, second_try
from .shares import share_of

MISSING = (
    "Ray is not installed in {python}. Install it with `python -m pip install -r "
    "requirements-fleet.txt`, or name servers that run with --server."
)
LOCAL = "local"  # a Ray of this process's own
PAUSE = 60.0  # seconds that pass before it is told that no server comes up


class Actor:
    """What runs in a process of Ray: one server. root: the clone, at the same path everywhere."""

    def __init__(self, root: str, folder: str | None) -> None:
        self.closing = False
        self.own = OwnServer(Path(root), Path(folder) if folder else None)

    def ready(self) -> str:
        return self.own.renderer.name

    def object_info(self) -> dict[str, Any]:
        return self.own.server.client.object_info()

    def render(self, job: Job) -> Outcome | None:
        """None while the fleet is being closed."""
        try:
            return self.own.render(job)
        except ServerGone:
            if self.closing:
                return None
            self.renew()

    def renew(self) -> None:
        self.own.stop()
        os._exit(1)  # Ray starts another

    def close(self) -> None:
        self.closing = True
        self.own.stop()


class RayServers:
    """Servers of its own. address: of a cluster; None starts Ray on this machine, for this fleet.
    count: of servers; None is one a GPU, or one alone. say: where it tells of those that are lost.

    Raises LauncherError where Ray is missing or does not answer.
    """

    def __init__(
        self,
        root: Path,
        say: Callable[[str], None],
        address: str | None = None,
        count: int | None = None,
        comfyui: Path | None = None,
    ) -> None:
        self.ray, self.say = import_ray(), say
        enter(self.ray, address, count)
        machines = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        share = share_of(machines, count, say)
        made = self.ray.remote(Actor).options(max_restarts=-1, max_concurrency=2, **share.options)
        folder = str(comfyui) if comfyui else None
        self.actors = [made.remote(str(root), folder) for _ in range(share.servers)]
        self._starting = {actor.ready.remote(): actor for actor in self.actors}
        self._idle: deque[Any] = deque()
        self.pause = PAUSE

    def object_infos(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Of the server that is ready first: all run the same clone."""
        while not self._idle:
            self._welcome()
        try:
            info = self.ray.get(self._idle[0].object_info.remote())
        except self.ray.exceptions.RayError as error:
            raise LauncherError(
                f"The server that came up first did not say which nodes it has ({error}); start "
                "the same command again."
            ) from None
        yield "the fleet's ComfyUI", info

    def render(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        rows = Rows(jobs)
        busy: dict[Any, tuple[Any, Job]] = {}
        while rows or busy:
            for actor in [*self._idle]:
                if rows.is_sick(actor):
                    self._start_anew(actor)
                    rows.is_new(actor)
                elif job := rows.take(actor):
                    self._idle.remove(actor)
                    busy[actor.render.remote(job)] = (actor, job)
            if busy:
                if self._starting:
                    self._welcome(timeout=0.0)
                for ref in self.ray.wait(list(busy), timeout=1.0)[0]:
                    yield from self._heard(rows, ref, *busy.pop(ref))
            elif not self._idle:
                self._welcome()
            elif not (self._starting and self._welcome(self.pause)):
                yield from rows.failures()  # none that is there may try them again

    def close(self) -> None:
        closing = [actor.close.remote() for actor in self.actors]
        self.ray.wait(closing, num_returns=len(closing), timeout=10.0)
        self.ray.shutdown()

    def _heard(self, rows: Rows, ref: Any, actor: Any, job: Job) -> Iterator[Outcome]:
        """What became of a rendering that ended."""
        try:
            told: Outcome = self.ray.get(ref)
        except self.ray.exceptions.RayError as error:
            gone = isinstance(error, self.ray.exceptions.RayActorError)
            lost = f"The server of row {job.name} is gone; Ray starts another."
            self.say(lost if gone else f"Ray lost row {job.name}: {error}")
            outcome = rows.lost(job, "")
            self._starting[actor.ready.remote()] = actor
        else:
            outcome = rows.ended(actor, job, told, len(self.actors) > 1)
            if not outcome:
                self.say(second_try(told))
            self._idle.append(actor)
        if outcome:
            yield outcome

    def _start_anew(self, actor: Any) -> None:
        """For a server that fails what others render."""
        self.say(f"A server failed {SICK} rows on end that others rendered: it is started anew.")
        self._idle.remove(actor)
        try:
            self.ray.get(actor.renew.remote(), timeout=PAUSE)
        except self.ray.exceptions.RayError:
            pass  # it ended, as it was told
        self._starting[actor.ready.remote()] = actor

    def _welcome(self, timeout: float | None = None) -> bool:
        """Waits for a server that comes up; tells now and then where none does. -> whether one has
        come up or ended. Raises LauncherError when none is left to wait for."""
        if not self._starting:
            raise LauncherError(
                "No server is left. Find the reason above, and start the same command again."
            )
        pause = self.pause if timeout is None else timeout
        done, _ = self.ray.wait(list(self._starting), timeout=pause)
        if not done and timeout is None:
            self.say(f"No server came up in {pause:.0f} s; `ray status` says what Ray waits for.")
        for ref in done:
            self._came_up(ref, self._starting.pop(ref))
        return bool(done)

    def _came_up(self, ref: Any, actor: Any) -> None:
        try:
            self.ray.get(ref)
        except self.ray.exceptions.ActorUnavailableError:
            time.sleep(1.0)  # Ray is about to start it anew
            self._starting[actor.ready.remote()] = actor
        except self.ray.exceptions.RayError as error:
            self.say(f"A server did not come up: {error}")
        else:
            self._idle.append(actor)


def import_ray() -> Any:
    """Raises LauncherError where it is missing."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # its own future default
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise LauncherError(MISSING.format(python=sys.executable)) from None


def enter(ray: Any, address: str | None, count: int | None) -> None:
    """Connects to a cluster, or starts Ray here. Raises LauncherError where none answers."""
    told = {"logging_level": "WARNING", "log_to_driver": False}
    if address is None:
        enough = {"num_cpus": count} if count and count > (os.cpu_count() or 1) else {}
        ray.init(address=LOCAL, include_dashboard=False, **told, **enough)
        return
    try:
        knock(address)
        ray.init(address=address, **told)
    except (OSError, ValueError, RuntimeError) as error:
        raise LauncherError(
            f"No Ray answers at {address} ({error}); start it with `ray start --head`, set "
            "RAY_AUTH_MODE=token here too if it asks for a token, or leave --address out to have "
            "a Ray of this machine."
        ) from None


def knock(address: str) -> None:
    """Raises OSError where nobody listens; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "://" not in address:
        socket.create_connection((host, int(port)), timeout=10.0).close()
