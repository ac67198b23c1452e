"""ComfyUI's server as one of several ranks that sample a video together (lockstep).

Rank 0 has the page and the queue. When a node of it begins to sample, it puts what that node needs
of its prompt into the store (lockstep/handover.py); the other ranks take it from there and queue it
in their own servers. What hangs on the node does not run there: nothing is decoded or saved.
"""

from __future__ import annotations

import json
import logging
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..sampling.crew import set_crew
from .prompt_server import prompt_server

if TYPE_CHECKING:
    from ..lockstep.ranks import Ranks
    from ..lockstep.store import Store

log = logging.getLogger(__name__)

Graph = Mapping[str, Mapping[str, Any]]


def join_ranks(environment: Mapping[str, str] = os.environ) -> Ranks | None:
    """Have this server be the rank that torchrun's variables name; None where they name none.

    Clusters leave such variables about. Where they make no rank, the server samples alone, with a
    warning: its start goes on. Raises what `joined` does where `run.py serve` asked for ranks."""
    if environment.get("WORLD_SIZE", "1") == "1":
        return None
    if environment.get("ADK_RANKS_ASKED"):
        return joined(environment)
    try:
        return joined(environment)
    except (ValueError, RuntimeError) as error:
        log.warning("AnimateDiff Kit: %s Until then this server samples alone.", error)
    except ImportError as error:
        log.warning(
            "AnimateDiff Kit: WORLD_SIZE asks for several ranks, which need a torch with Gloo "
            "(%s); this server samples alone.",
            error,
        )
    return None


def joined(environment: Mapping[str, str]) -> Ranks | None:
    """As join_ranks. Raises ValueError for values that cannot be, RankError where rank 0 cannot
    keep its store, ImportError where this torch has no Gloo."""
    from ..lockstep.settings import settings_of

    settings = settings_of(environment)
    if settings is None:
        return None
    from ..lockstep.ranks import Ranks

    work = Leader() if settings.rank == 0 else Follower(settings.rank)
    work.ranks = Ranks(settings, work.each, work.begin)
    set_crew(work.ranks)
    log.info("AnimateDiff Kit: rank %d of %d.", settings.rank, settings.ranks)
    return work.ranks


class Leader:
    """Rank 0: it hands its runs on."""

    ranks: Ranks

    def __init__(self) -> None:
        self.at = ("", "")  # the prompt and the node that were handed on last
        self.runs: dict[str, str] = {}  # node -> the identity of its last run

    def each(self, store: Store) -> None:
        """Nothing beside the heartbeat."""

    def begin(self, store: Store) -> str:
        """The identity of the run that begins in the node which executes; the others are handed it
        when it is new. A node may sample several times in one run."""
        from ..lockstep.digest import executing

        found = executing()
        if found is None:
            return ""
        graph, node, prompt = found
        if self.at != (prompt, node):
            self.runs[node] = str(uuid.uuid4())
            self.hand_on(store, graph, node)
            self.at = (prompt, node)
        return self.runs[node]

    def hand_on(self, store: Store, graph: Graph, node: str) -> None:
        from nodes import NODE_CLASS_MAPPINGS as classes  # pyright: ignore  ComfyUI's own

        from ..lockstep.handover import handed

        outputs = len(classes[graph[node]["class_type"]].RETURN_TYPES)
        cut = handed(graph, node, self.runs, outputs)
        number = store.count("prompts", 0) + 1
        store.write(f"prompt/{number}", {"run": self.runs[node], "node": node, "graph": cut})
        store.count("prompts")
        store.remove(f"prompt/{number - 2}")


class Follower:
    """A rank that executes what rank 0 hands on, as prompts of its own server."""

    ranks: Ranks

    def __init__(self, rank: int) -> None:
        self.rank, self.seen = rank, -1
        self.handed = ("", "")  # the run that was taken last, which is its prompt's id; the node
        self.queued = False  # whether its end is waited for
        self.began = ""  # the run whose node came to sample

    def begin(self, store: Store) -> str | None:
        """The run that begins in the node which executes; None where that is one which rank 0 has
        in its cache and this rank has not, so that it samples by itself."""
        from ..lockstep.digest import executing
        from ..lockstep.store import RankError

        found = executing()
        if found is None:
            return ""
        _, node, prompt = found
        run, handed = self.handed
        if prompt != run:
            raise RankError(
                f"Rank {self.rank} samples with rank 0, which has not asked for this prompt, or no "
                "longer wants it; queue prompts at rank 0, which hands them on."
            )
        if node != handed:
            return None
        self.began = run
        return run

    def each(self, store: Store) -> None:
        """Queue what rank 0 has handed on last, and tell it if that failed."""
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
        told = store.read(f"prompt/{number}")
        if told is None:
            return  # a newer one follows
        if self.queued:
            self.withdraw()
        self.handed, self.queued = (told["run"], told["node"]), True
        try:
            ask("/prompt", {"prompt": told["graph"], "prompt_id": told["run"]})
        except urllib.error.HTTPError as refusal:
            self.fail(store, refusal.read().decode("utf-8", "replace")[:500])

    def withdraw(self) -> None:
        """End a prompt that still waits for rank 0. One whose run all have begun ends by itself,
        and the next may need what it gives."""
        run = self.handed[0]
        if self.ranks.joined != run:
            ask("/queue", {"delete": [run]})
            ask("/interrupt", {"prompt_id": run})

    def watch(self, store: Store) -> None:
        run = self.handed[0]
        record = ask(f"/history/{run}").get(run)
        if record is None:
            return
        self.queued = False
        for kind, told in record.get("status", {}).get("messages", ()):
            if kind == "execution_error":
                return self.fail(store, told.get("exception_message", "").strip())
        if self.began != run:
            self.fail(store, "it ended there before anything was sampled. See its log.")

    def fail(self, store: Store, why: str) -> None:
        self.queued = False
        store.write(f"failed/{self.rank}", {"prompt": self.handed[0], "why": why})


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
