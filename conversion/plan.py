"""What a conversion does, before a file is written: nodes that come, nodes that go, what takes
whose place, and what people are told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .graph import UNKNOWN, Node, Origin, Wire
from .limits import beyond


class Stays(Exception):
    """An old node has no equal; the message says why, as the end of "it stays: ..."."""


@dataclass
class Fresh:
    """A node that comes. `heir_of` is the old node whose id, place, title and colours it takes;
    with none it gets a new id and stands `beside` one."""

    kind: str
    values: dict[str, Any]
    wires: dict[str, Origin | Fresh]
    mode: int = 0
    heir_of: str | None = None
    beside: str | None = None

    def set(self, name: str, value: Any) -> None:
        """A widget's value, or the link that a Wire stands for. Raises Stays for a number that the
        widget cannot hold."""
        if isinstance(value, Wire):
            self.wires[name] = value.tap
            value = value.value
        if wrong := beyond(self.kind, name, value):
            raise Stays(wrong)
        if value is not UNKNOWN:
            self.values[name] = value


@dataclass(frozen=True)
class Place:
    """An output of a node that comes, or one that is there."""

    node: Fresh | Origin
    slot: int = 0


@dataclass
class Plan:
    """`places` says which output takes the place of which; `gone` are ids of old nodes that go,
    `dead` those of them that nothing used; `notes` and `kept` are told of a node, by its id."""

    fresh: list[Fresh] = field(default_factory=list)
    places: dict[Origin, Place] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    kept: dict[str, str] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    notes: list[tuple[str, str]] = field(default_factory=list)
    heirs: set[str] = field(default_factory=set)

    def add(
        self,
        kind: str,
        heir_of: Node | None,
        beside: Node,
        values: dict[str, Any] | None = None,
        wires: Mapping[str, Origin | Fresh | None] | None = None,
        mode: int = 0,
    ) -> Fresh:
        """A node that comes. The first that asks becomes the heir."""
        heir = heir_of.id if heir_of is not None and heir_of.id not in self.heirs else None
        if heir is not None:
            self.heirs.add(heir)
        links = {name: wire for name, wire in (wires or {}).items() if wire is not None}
        node = Fresh(kind, {}, links, mode, heir, None if heir else beside.id)
        for name, value in (values or {}).items():
            node.set(name, value)
        self.fresh.append(node)
        return node

    def note(self, node: Node, text: str) -> None:
        self.notes.append((node.id, text))

    def disinherit(self) -> None:
        """What was to be the heir of a node that stays gets an id of its own beside it."""
        for node in self.fresh:
            if node.heir_of is not None and node.heir_of not in self.gone:
                node.heir_of, node.beside = None, node.heir_of

    def undo(self) -> Undo:
        return Undo(self)


class Undo:
    """Takes back what was planned inside a `with` that `Stays` ends."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __enter__(self) -> None:
        plan = self.plan
        self.before = (list(plan.fresh), dict(plan.places), set(plan.gone), list(plan.notes))
        self.heirs = set(plan.heirs)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            plan = self.plan
            plan.fresh, plan.places, plan.gone, plan.notes = self.before
            plan.heirs = self.heirs


def chain(first: Node | None, follow: Any) -> Iterator[Node]:
    """A node and those behind it, each once."""
    seen: set[str] = set()
    while first is not None and first.id not in seen:
        seen.add(first.id)
        yield first
        first = follow(first)
