"""What an old node cannot do as it was asked to, said on the node and in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

log = logging.getLogger(__name__)

_told: ContextVar[list[str] | None] = ContextVar("animatediff_kit_told", default=None)


def tell(sentence: str) -> None:
    """A sentence for the node that runs; it names the option."""
    log.warning("%s", sentence)
    told = _told.get()
    if told is not None:
        told.append(sentence)


@contextmanager
def told_on(node_id: str | None) -> Iterator[None]:
    """What is told inside stands on the node afterwards, where a page shows it."""
    told: list[str] = []
    token = _told.set(told)
    try:
        yield
    finally:
        _told.reset(token)
        if told:
            show("\n".join(told), node_id)


def show(text: str, node_id: str | None) -> None:
    from server import PromptServer  # the node runs in it

    server = getattr(PromptServer, "instance", None)
    if server is not None and node_id is not None:
        server.send_progress_text(text, node_id)
