"""A workflow under construction: nodes, what they are given, and how the page saves them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .downloads import MODELS, Model
from .kinds import Entry, Info, Kind, kind_of

GREEN, RED, NOTE = ("#232", "#353"), ("#322", "#533"), ("#432", "#653")
"""Colours of ComfyUI's own palette: title and body of a node."""

LETTER, LINE = 6, 17  # pixels of a note's text: a letter's width, a line's height


@dataclass(frozen=True)
class Look:
    """How a node is drawn: `room` is the height in pixels that a picture or a long text takes in
    it, `wide` its width, `color` that of its title and body."""

    room: int = 0
    wide: int = 320
    color: tuple[str, str] | None = None


@dataclass(frozen=True)
class Output:
    """An output of a node, to be given to inputs of others."""

    node: Node
    slot: int

    @property
    def type(self) -> str:
        return self.node.kind.outputs[self.slot][1]


@dataclass(eq=False)
class Node:
    """A node; `inputs` are values and `Output`s by name."""

    id: int
    kind: Kind
    inputs: dict[str, Any]
    title: str = ""
    look: Look = Look()
    pos: tuple[int, int] = (0, 0)
    models: list[Model] = field(default_factory=list)

    def out(self, name: str | int = 0) -> Output:
        """An output by its name or its place. Raises ValueError for one that there is not."""
        names = [output for output, _ in self.kind.outputs]
        if isinstance(name, str):
            if name not in names:
                raise ValueError(f"{self.kind.name} has no output {name}, it has {names}.")
            name = names.index(name)
        return Output(self, name)

    def slots(self) -> list[Entry]:
        """The inputs as the page counts them: sockets, then widgets, each of which a link can
        feed."""
        return [*self.kind.sockets, *self.kind.widgets]

    def values(self) -> list[Any]:
        found: list[Any] = []
        for entry in self.kind.widgets:
            given = self.inputs.get(entry.name, entry.default())
            found += [entry.default() if isinstance(given, Output) else given, *entry.after()]
        return found


NOTE_KIND = Kind("MarkdownNote", (Entry("text", "STRING", {"multiline": True}, False),), ())


class Page:
    """Nodes of one workflow, or of one subgraph; ids count up from 1."""

    def __init__(self, info: Info) -> None:
        self.info = info
        self.nodes: list[Node] = []

    def add(self, kind_name: str, title: str = "", /, look: Look = Look(), **inputs: Any) -> Node:
        """A new node. Raises ValueError for an input that its kind does not have."""
        kind = kind_of(kind_name, self.info)
        known = {entry.name for entry in kind.entries}
        if unknown := sorted(set(inputs) - known):
            raise ValueError(f"{kind_name} has no input {unknown}; it has {sorted(known)}.")
        models = [MODELS[value] for value in inputs.values() if _names_a_model(value)]
        return self._new(kind, inputs, title, look, models)

    def note(self, text: str, title: str = "Read me", wide: int = 320) -> Node:
        """A note in Markdown; its height follows its text."""
        lines = sum(1 + len(line) * LETTER // (wide - 40) for line in text.splitlines())
        look = Look(30 + LINE * lines, wide, NOTE)
        return self._new(NOTE_KIND, {"text": text}, title, look, [])

    def _new(
        self, kind: Kind, inputs: dict[str, Any], title: str, look: Look, models: list[Model]
    ) -> Node:
        node = Node(len(self.nodes) + 1, kind, inputs, title, look, models=models)
        self.nodes.append(node)
        return node


def _names_a_model(value: Any) -> bool:
    return isinstance(value, str) and value in MODELS
