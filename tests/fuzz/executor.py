"""ComfyUI's own validation and executor, and what comes of a prompt in them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import execution  # pyright: ignore[reportMissingImports]
from adk_tests.fuzz.prompts import Prompt
from adk_tests.fuzz.sources import KEPT


@dataclass
class Listener:
    """What the executor tells its messages to."""

    client_id: str | None = None
    last_node_id: str | None = None
    last_prompt_id: str | None = None
    sockets_metadata: dict[str, Any] = field(default_factory=dict)

    def send_sync(self, *message: Any) -> None:
        pass


# What main.py gives the executor; versions after 0.3.75 read the third.
CACHE_ARGS = {"lru": 0, "ram": 0.0, "ram_inactive": 0.0}


@dataclass(frozen=True)
class Came:
    """What came of a prompt. ended: "not valid", "failed" or "done"; said: its messages, each with
    its kind."""

    ended: str
    said: list[tuple[str, str]]


def validated(prompt: Prompt) -> tuple[bool, list[str], list[tuple[str, str]]]:
    """ComfyUI's own answer to a prompt: whether it may run, its output nodes, what is wrong."""
    valid, error, outputs, node_errors = asyncio.run(
        execution.validate_prompt("fuzz", prompt, None)
    )
    said = [
        (found["type"], str(found["details"]))
        for about in node_errors.values()
        for found in about["errors"]
    ]
    return valid and not node_errors, list(outputs), said or [("prompt", str(error))]


def run(prompt: Prompt, outputs: list[str]) -> Came:
    KEPT.clear()
    executor = execution.PromptExecutor(
        Listener(), cache_type=execution.CacheType.CLASSIC, cache_args=CACHE_ARGS
    )
    executor.execute(prompt, "fuzz", {}, outputs)
    failed = [about for kind, about in executor.status_messages if kind == "execution_error"]
    if not failed:
        return Came("done", [])
    about = failed[0]
    return Came("failed", [(about["exception_type"], about["exception_message"].strip())])
