"""ComfyUI's server as one of several ranks that sample a video together (lockstep).

Rank 0 has the page and the queue. When it begins to sample, it puts its prompt into the store; the
other ranks take it from there and queue it in their own servers, cut down to what samplers need: no
decoder runs there, and nothing is saved.
"""

from __future__ import annotations

import json
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..sampling.crew import set_crew
from .prompt_server import prompt_server

if TYPE_CHECKING:
    from ..lockstep.ranks import Ranks
    from ..lockstep.store import Store

log = logging.getLogger(__name__)

Graph = Mapping[str, Mapping[str, Any]]

KEEPER = "PreviewAny"
"""Core's output node that takes anything, writes no file, and has a sampler run."""

SAMPLES_BY = ("MODEL", "GUIDER")
"""Types of inputs by which a node that gives a latent samples."""


def join_ranks(environment: Mapping[str, str] = os.environ) -> Ranks | None:
    """Have this server be the rank that torchrun's variables name; None where they name none."""
    if environment.get("WORLD_SIZE", "1") == "1":
        return None
    from ..lockstep.ranks import Ranks
    from ..lockstep.settings import settings_of

    settings = settings_of(environment)
    if settings is None:
        return None
    work = Leader() if settings.rank == 0 else Follower(settings.rank)
    work.ranks = Ranks(settings, work.each, work.begin)
    set_crew(work.ranks)
    log.info("AnimateDiff Kit: rank %d of %d.", settings.rank, settings.ranks)
    return work.ranks


class Leader:
    """Rank 0: it hands its prompts on."""

    ranks: Ranks

    def __init__(self) -> None:
        self.prompt: tuple[str, int] = ("", 0)

    def each(self, store: Store) -> None:
        """Nothing beside the heartbeat."""

    def begin(self, store: Store) -> int:
        """The number of the prompt that executes; the others are given it when it is new."""
        from ..lockstep.digest import executing

        found = executing()
        if found is None:
            return 0
        graph, _, identity = found
        if self.prompt[0] != identity:
            number = store.count("prompts", 0) + 1
            store.write(f"prompt/{number}", graph)
            store.count("prompts")
            store.remove(f"prompt/{number - 2}")
            self.prompt = (identity, number)
        return self.prompt[1]


class Follower:
    """A rank that takes rank 0's prompts."""

    ranks: Ranks

    def __init__(self, rank: int) -> None:
        self.rank, self.seen, self.queued = rank, -1, ""
        self.number = 0

    def begin(self, store: Store) -> int:
        return self.number

    def each(self, store: Store) -> None:
        """Queue the newest prompt of rank 0, and tell it if that failed."""
        newest = store.count("prompts", 0)
        if self.seen < 0:
            self.seen = max(0, newest - 1)  # rank 0 may wait for this one with the last
        if newest < self.seen:
            self.seen = 0  # rank 0 was started again
        if newest > self.seen:
            self.take(store, newest)
            self.seen = newest
        elif self.queued:
            self.watch(store)

    def take(self, store: Store, number: int) -> None:
        graph = store.read(f"prompt/{number}")
        if graph is None:
            return  # a newer one follows
        store.remove(f"failed/{self.rank}")
        if self.queued:
            ask("/interrupt", {})
            ask("/queue", {"clear": True})
        self.number = number
        try:
            self.queued = ask("/prompt", {"prompt": samplers_alone(graph)})["prompt_id"]
        except urllib.error.HTTPError as refusal:
            store.write(f"failed/{self.rank}", refusal.read().decode("utf-8", "replace")[:500])

    def watch(self, store: Store) -> None:
        record = ask(f"/history/{self.queued}").get(self.queued)
        if record is None:
            return
        self.queued = ""
        for kind, told in record.get("status", {}).get("messages", ()):
            if kind == "execution_error":
                store.write(f"failed/{self.rank}", told.get("exception_message", "").strip())


def ask(resource: str, body: Any = None) -> Any:
    """This server's own API; its answer, {} where it has no body. Raises OSError while the server
    does not listen yet."""
    server = prompt_server()
    if getattr(server, "port", None) is None:
        raise ConnectionRefusedError
    host = "127.0.0.1" if server.address in ("", "0.0.0.0", "::") else server.address
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{host}:{server.port}{resource}", data, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")


def samplers_alone(graph: Graph) -> dict[str, Any]:
    """What the samplers of a graph need, with an output node behind each: what hangs on samplers
    alone does not run."""
    from nodes import NODE_CLASS_MAPPINGS as classes  # pyright: ignore  ComfyUI's own

    from ..lockstep.digest import ancestors

    kept: dict[str, Any] = {}
    for key, node in graph.items():
        kind = classes.get(node["class_type"])
        if kind is not None and is_sampler(kind):
            kept |= {above: graph[above] for above in ancestors(graph, key)}
            source = [key, [*kind.RETURN_TYPES].index("LATENT")]
            kept[f"rank {key}"] = {"class_type": KEEPER, "inputs": {"source": source}}
    return kept


def is_sampler(kind: Any) -> bool:
    """Whether a class of nodes gives a latent that it samples with a model."""
    given = kind.INPUT_TYPES()
    inputs = [*given.get("required", {}).values(), *given.get("optional", {}).values()]
    takes = any(spec and spec[0] in SAMPLES_BY for spec in inputs)
    return takes and "LATENT" in [*kind.RETURN_TYPES]
