"""What the page shows of the node that runs: the pack's warnings, and how far a run is.

The rooms below warn in the log and know nothing of a page. A handler of the pack's logger brings
each warning to the node that runs, as text on it (ComfyUI's own way) and as an event for
web/warnings.js. Without a server, a page or a running node it does nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy_execution.progress import get_progress_state
from comfy_execution.utils import get_executing_context

from ..sampling.progress_text import Tell, add_progress_text
from .prompt_server import prompt_server, workflow_of

WARNING = "animatediff_kit.warning"
FILES = "animatediff_kit.files"
"""Events of ComfyUI's websocket; web/warnings.js and web/files.js listen to them."""

PACK = __name__.rsplit(".", 2)[0]
"""The name of the pack's package, which its loggers' names begin with."""


@dataclass(frozen=True)
class Place:
    """A node in the page that queued the graph; what is sent says which workflow it stands in, and
    of which kind it is: the page may show another by now, with a node of the same number."""

    server: Any = field(compare=False)
    client: str
    prompt: str
    node: str
    kind: str | None

    def send(self, event: str, **data: Any) -> None:
        workflow = workflow_of(self.server, self.prompt)
        about = {"node": self.node, "kind": self.kind, "workflow": workflow}
        self.server.send_sync(event, {**about, **data}, self.client)

    def write(self, lines: list[str]) -> None:
        self.server.send_progress_text("\n".join(lines), self.node, self.client)


def place_that_is_seen() -> Place | None:
    """Where the node that works now is seen; None where no page is connected, as in a script."""
    server = prompt_server()
    context = get_executing_context()
    if server is None or context is None or server.client_id not in server.sockets:
        return None
    # a node that another one put into the graph is shown where that one is
    graph = get_progress_state().dynprompt
    node = graph.get_display_node_id(context.node_id)
    kind = graph.get_node(node)["class_type"] if graph.has_node(node) else None
    return Place(server, server.client_id, context.prompt_id, node, kind)


class ToThePage(logging.Handler):
    """Shows the warnings of one node after another; a node's sentences stand on it together, each
    once, with what the node is doing below them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.place: Place | None = None
        self.sentences: list[str] = []

    def turn_to(self, place: Place) -> None:
        if place != self.place:
            self.place, self.sentences = place, []

    def emit(self, record: logging.LogRecord) -> None:
        place = place_that_is_seen()
        if place is None:
            return
        self.turn_to(place)
        sentence = record.getMessage()
        if sentence not in self.sentences:
            self.sentences.append(sentence)
            place.write(self.sentences)
            place.send(WARNING, text=sentence)

    def tell(self, place: Place, doing: str) -> None:
        self.turn_to(place)
        place.write([*self.sentences, doing])


PAGE = ToThePage()


def show_warnings() -> None:
    """Bring the pack's warnings to the page from now on; a second call changes nothing."""
    logging.getLogger(PACK).addHandler(PAGE)


def with_progress(model: ModelPatcher) -> ModelPatcher:
    """The model, whose sampling runs tell the node in the page how far they are."""
    return add_progress_text(model, reader)


def reader() -> Tell | None:
    place = place_that_is_seen()
    return None if place is None else lambda doing: PAGE.tell(place, doing)


def tell_the_node(doing: str) -> None:
    """A text on the node that works now, under its warnings."""
    place = place_that_is_seen()
    if place is not None:
        PAGE.tell(place, doing)


def tell_of_new_files() -> None:
    """The page reads its lists of files again."""
    place = place_that_is_seen()
    if place is not None:
        place.send(FILES)
