"""Runs prompts of all kinds in one server, one after the other, and compares each with its first
run."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from ...launcher import LauncherError
from ...launcher.server import Server
from .graph import TRAINED, Graph
from .prompts import BAD, GOOD, KINDS

FIRST = "plain"
"""The kind that runs before memory is read, so that ComfyUI's cache holds the same each time."""

EVERY = 8
"""Prompts from one reading of memory to the next."""

CANCELLED, BAD_SHARE = 0.12, 0.12


@dataclass(frozen=True)
class Outcome:
    """What became of a prompt. ended: "equal", "first", "refused", "cancelled", or what is
    wrong."""

    kind: str
    ended: str
    seconds: float

    @property
    def is_right(self) -> bool:
        return self.ended in ("equal", "first", "refused", "cancelled")


@dataclass
class Soak:
    """A soak in a server; `outcomes` and `memory` grow with it."""

    server: Server
    chance: random.Random
    outcomes: list[Outcome] = field(default_factory=list)
    memory: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    def prompt(self, kind: str, cancel_after: int | None = None) -> Outcome:
        """One prompt, cancelled after so many of the server's messages, if that is given."""
        graph = KINDS[kind].make(f"{len(self.outcomes):03d}")
        began = time.monotonic()
        ended = self.ended(kind, graph, cancel_after)
        self.outcomes.append(Outcome(kind, ended, time.monotonic() - began))
        return self.outcomes[-1]

    def ended(self, kind: str, graph: Graph, cancel_after: int | None) -> str:
        refused, prompt_id = KINDS[kind].refused, ""
        try:
            for number, event in enumerate(self.server.client.run(graph.prompt, silence=900.0)):
                prompt_id = event.data.get("prompt_id", prompt_id)
                if number == cancel_after:
                    self.server.client.interrupt()
        except LauncherError as error:
            if cancel_after is not None and "interrupted at node" in str(error):
                return "cancelled"
            if refused and refused in str(error):
                return "refused"
            return f"failed: {error}"
        if refused:
            return "was not refused"
        digest = digest_of(self.server, graph, prompt_id)
        if self.digests.setdefault(kind, digest) != digest:
            return "differs from its first run"
        return "equal" if any(o.kind == kind for o in self.outcomes) else "first"

    def read_memory(self) -> None:
        self.memory.append((len(self.outcomes), self.server.client.get_json("/adk_memory")))


def mixed(chance: random.Random, prompts: int) -> Iterator[tuple[str, int | None]]:
    """(kind, when it is cancelled): first each good kind in a random order, then at random, none
    twice in a row; every EVERY-th is the kind that memory is read after."""
    rest = [kind for kind in GOOD if kind != FIRST]
    chance.shuffle(rest)
    last = ""
    for number in range(1, prompts + 1):
        if number % EVERY == 0:
            last = FIRST
            yield last, None
            continue
        if rest:
            last = rest.pop()
            yield last, None
            continue
        kinds = BAD if chance.random() < BAD_SHARE else GOOD
        last = chance.choice([kind for kind in kinds if kind not in (last, FIRST)])
        cancelled = last in GOOD and chance.random() < CANCELLED
        yield last, chance.randint(1, 30) if cancelled else None


def digest_of(server: Server, graph: Graph, prompt_id: str) -> str:
    """Of the latents, trained weights and texts that a prompt gave; pictures that a training draws
    among them."""
    content = hashlib.sha256()
    outputs = server.client.history(prompt_id)["outputs"]
    for node in sorted(outputs, key=int):
        kind = graph.prompt[node]["class_type"]
        for text in outputs[node].get("text", ()):
            content.update(text.encode())
        for file in written(server, graph, node, kind, outputs[node]):
            for name, tensor in sorted(load_file(file).items()):
                content.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
                content.update(tensor.contiguous().numpy().tobytes())
            file.unlink()
    return content.hexdigest()


def written(
    server: Server, graph: Graph, node: str, kind: str, output: dict[str, Any]
) -> list[Path]:
    """The safetensors files that a node of a finished prompt wrote."""
    if kind in TRAINED:
        folder = server.base / "models" / TRAINED[kind][1]
        return [folder / f"{graph.prompt[node]['inputs']['name']}.safetensors"]
    latents = output.get("latents", ())
    return [server.base / "output" / f["subfolder"] / f["filename"] for f in latents]
