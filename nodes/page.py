"""What the page shows of the node that runs: the pack's warnings, on the node and as a toast.

The rooms below warn in the log and know nothing of a page. A handler of the pack's logger brings
each warning to the node that runs, as text on it (ComfyUI's own way) and as an event for
web/warnings.js. Without a server, a page or a running node it does nothing.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, field
from typing import Any

from comfy_execution.utils import get_executing_context

WARNING = "animatediff_kit.warning"
FILES = "animatediff_kit.files"
"""Events of ComfyUI's websocket; web/warnings.js and web/files.js listen to them."""

PACK = __name__.rsplit(".", 2)[0]
"""The name of the pack's package, which its loggers' names begin with."""


@dataclass
class ToThePage(logging.Handler):
    """Shows the warnings of one node after another; a node's sentences stand on it together, each
    once."""

    node: tuple[str, str] | None = None
    sentences: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.WARNING)

    __hash__ = logging.Handler.__hash__

    def emit(self, record: logging.LogRecord) -> None:
        server, running = page_server(), get_executing_context()
        if server is None or running is None:
            return
        node = (running.prompt_id, running.node_id)
        if node != self.node:
            self.node, self.sentences = node, []
        sentence = record.getMessage()
        if sentence in self.sentences:
            return
        self.sentences.append(sentence)
        server.send_progress_text("\n".join(self.sentences), running.node_id, server.client_id)
        event = {"node": running.node_id, "text": sentence}
        server.send_sync(WARNING, event, server.client_id)


def page_server() -> Any | None:
    """ComfyUI's server, where one runs that has been asked by a page."""
    server = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    return server if server is not None and server.client_id is not None else None


def show_warnings() -> None:
    """Bring the pack's warnings to the page from now on; a second call changes nothing."""
    log = logging.getLogger(PACK)
    if not any(isinstance(handler, ToThePage) for handler in log.handlers):
        log.addHandler(ToThePage())


def tell_of_new_files() -> None:
    """The page reads its lists of files again."""
    server = page_server()
    if server is not None:
        server.send_sync(FILES, {}, server.client_id)
