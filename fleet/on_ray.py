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
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher import LauncherError

from .engine import TRIES, given_up
from .jobs import Job
from .own_server import OwnServer
from .render import Outcome, ServerGone

MISSING = (
    "Ray is not installed in {python}. Install it with `python -m pip install -r "
    "requirements-fleet.txt`, or name servers that run with --server."
)
LOCAL = "local"  # a Ray of this process's own


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
        share = share_of(self.ray.cluster_resources(), count, say)
        made = self.ray.remote(Actor).options(max_restarts=-1, max_concurrency=2, **share.options)
        folder = str(comfyui) if comfyui else None
        self.actors = [made.remote(str(root), folder) for _ in range(share.servers)]
        self._starting = {actor.ready.remote(): actor for actor in self.actors}
        self._idle: deque[Any] = deque()

    def object_infos(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Of the server that is ready first: all run the same clone."""
        while not self._idle:
            self._welcome()
        yield "the fleet's ComfyUI", self.ray.get(self._idle[0].object_info.remote())

    def render(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        waiting, lost = deque(jobs), Counter[str]()
        busy: dict[Any, tuple[Any, Job]] = {}
        while waiting or busy:
            while waiting and self._idle:
                actor, job = self._idle.popleft(), waiting.popleft()
                busy[actor.render.remote(job)] = (actor, job)
            for ref in self._ended(busy):
                actor, job = busy.pop(ref)
                try:
                    outcome = self.ray.get(ref)
                except self.ray.exceptions.RayActorError:
                    self.say(f"The server of row {job.name} is gone; Ray starts another.")
                    self._starting[actor.ready.remote()] = actor
                    lost[job.name] += 1
                    if lost[job.name] < TRIES:
                        waiting.appendleft(job)
                    else:
                        yield given_up(job, "")
                else:
                    self._idle.append(actor)
                    yield outcome

    def close(self) -> None:
        closing = [actor.close.remote() for actor in self.actors]
        self.ray.wait(closing, num_returns=len(closing), timeout=10.0)
        self.ray.shutdown()

    def _ended(self, busy: dict[Any, Any]) -> list[Any]:
        """Renderings that ended; servers that came up meanwhile are idle."""
        if not busy and not self._idle:
            self._welcome()
        if self._starting:
            self._welcome(timeout=0.0)
        done, _ = self.ray.wait(list(busy), timeout=1.0) if busy else ([], [])
        return done

    def _welcome(self, timeout: float | None = None) -> None:
        """Waits for a server that comes up. Raises LauncherError when none is left to wait for."""
        if not self._starting:
            raise LauncherError(
                "No server is left. Find the reason above, and start the same command again."
            )
        done, _ = self.ray.wait(list(self._starting), timeout=timeout)
        for ref in done:
            actor = self._starting.pop(ref)
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


@dataclass(frozen=True)
class Share:
    """What each of a number of servers takes of the cluster, as options of an actor."""

    servers: int
    options: dict[str, Any]


def share_of(there: dict[str, float], count: int | None, say: Callable[[str], None]) -> Share:
    """there: what the cluster has. A server has a GPU where there is one, and a part of the CPUs,
    for so many of which its threads are."""
    gpus, cpus = int(there.get("GPU", 0)), there.get("CPU", 1)
    servers = count or gpus or 1
    if gpus and servers > gpus:
        say(f"{servers} servers need {servers} GPUs, and Ray has {gpus}: the others wait for more.")
    threads = max(1, int(cpus // servers))
    share = {"num_gpus": 1, "num_cpus": 1} if gpus else {"num_cpus": min(threads, cpus / servers)}
    environment = {"env_vars": {"OMP_NUM_THREADS": str(threads)}}
    return Share(servers, {**share, "runtime_env": environment})
