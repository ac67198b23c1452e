"""A workflow as the rules see it: nodes by id, their values by name, and where their sockets'
values come from, whichever format the file has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MUTED, BYPASSED = 2, 4  # LiteGraph's modes "never" and ComfyUI's "bypass"
SUBGRAPH_INPUT, SUBGRAPH_OUTPUT = "-10", "-20"
"""The ids, inside a subgraph, of what comes into it and of what it gives."""


@dataclass(frozen=True)
class Origin:
    """An output of a node."""

    node: str
    slot: int


class Unknown:
    """The value of a link that only a run can tell."""

    def __repr__(self) -> str:
        return "a value that another node makes"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Wire:
    """A link into a node that carries something in a run.

    `tap` is the output that it hangs on in the file, be it a reroute's. `origin` is where the value
    comes from; None where that is a constant, `value`.
    """

    tap: Origin
    origin: Origin | None
    value: Any = UNKNOWN

    @property
    def is_constant(self) -> bool:
        return self.value is not UNKNOWN


@dataclass
class Node:
    """A node of the file. `values` are its widgets by name, known for the kinds of `old_nodes`;
    `outputs` are the types of its outputs, where the file tells. `nears` are the outputs behind its
    sockets past reroutes and the like, those of bypassed and muted nodes among them; `taps` are
    those that the sockets hang on in the file, whether or not a run gets anything from them."""

    id: str
    kind: str
    mode: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    wires: dict[str, Wire] = field(default_factory=dict)
    nears: dict[str, Origin] = field(default_factory=dict)
    taps: dict[str, Origin] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    surplus: int = 0
    """Saved widget values that no version of the node is known to have had."""

    def value(self, name: str) -> Any:
        """A widget's value; the Wire that stands for it where a run alone can tell it."""
        given = self.given(name)
        return given.value if isinstance(given, Wire) and given.is_constant else given

    def given(self, name: str) -> Any:
        """A widget's value, or the Wire that stands for it, be it a primitive's."""
        return self.wires.get(name, self.values.get(name))


@dataclass(frozen=True)
class User:
    """An input that takes an output, as the file links them."""

    node: str
    input: str


@dataclass
class Graph:
    """A whole workflow, or the inside of a subgraph. `is_prompt` says that it is in the API
    format. What lies beyond a subgraph's border is not known: `border` has a node in the place of
    each of its inputs, and `leaving` the outputs that it gives, with the names they have there."""

    nodes: dict[str, Node]
    is_prompt: bool = False
    border: dict[Origin, Node] = field(default_factory=dict)
    leaving: list[tuple[Origin, str]] = field(default_factory=list)

    def kinds(self, *kinds: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.kind in kinds]

    def source(self, node: Node, name: str) -> Node | None:
        """The node whose output a socket takes in a run; one of the border's for what comes from
        outside."""
        wire = node.wires.get(name)
        return self.node_of(wire.origin) if wire and wire.origin else None

    def near(self, node: Node, name: str) -> Node | None:
        """The node behind a socket, bypassed or not; None where it is muted."""
        near = node.nears.get(name)
        found = self.node_of(near) if near else None
        return None if found is None or found.mode == MUTED else found

    def node_of(self, origin: Origin) -> Node | None:
        return self.border.get(origin) or self.nodes.get(origin.node)

    def users(self) -> dict[Origin, list[User]]:
        """The inputs that take an output in a run, or would if a bypassed node were not; the
        node of those that leave a subgraph is SUBGRAPH_OUTPUT."""
        found: dict[Origin, list[User]] = {}
        for node in self.nodes.values():
            ends = {(name, wire.origin) for name, wire in node.wires.items() if wire.origin}
            for name, origin in ends | set(node.nears.items()):
                found.setdefault(origin, []).append(User(node.id, name))
        for origin, name in self.leaving:
            found.setdefault(origin, []).append(User(SUBGRAPH_OUTPUT, name))
        return found
