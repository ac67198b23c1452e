"""A saved workflow with its subgraphs opened up: nodes, and where each of their inputs comes from.

The page saves a subgraph once under `definitions.subgraphs` and each use of it as a node whose type
is the definition's id. The API knows no subgraphs: a node 3 inside a use 7 is called "7:3" there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import LauncherError

MUTED, BYPASSED = 2, 4  # LiteGraph's modes "never" and ComfyUI's "bypass"
INPUT_NODE, OUTPUT_NODE = -10, -20  # ids of a definition's own ends


@dataclass(frozen=True)
class Origin:
    """An output of a node."""

    node: str
    slot: int


@dataclass(frozen=True)
class Constant:
    """A value in place of a link: a promoted widget, or what a PrimitiveNode holds."""

    value: Any


Source = Origin | Constant | None  # None: nothing is connected


@dataclass
class Input:
    name: str
    kind: str
    source: Source


@dataclass
class Node:
    """A node of the opened graph. `promoted`: widget values set from outside a subgraph."""

    id: str
    kind: str
    mode: int
    inputs: list[Input]
    outputs: list[str]  # their types
    values: list[Any] | dict[str, Any]
    promoted: dict[str, Any] = field(default_factory=dict)


def open_up(workflow: dict[str, Any]) -> dict[str, Node]:
    """Every node of a saved workflow by its API id, subgraphs opened at any depth."""
    definitions = {
        definition["id"]: definition
        for definition in workflow.get("definitions", {}).get("subgraphs", [])
    }
    return _Level(workflow, definitions, "", [], {}).opened()


class _Level:
    """One graph: the workflow itself, or one use of a subgraph."""

    def __init__(
        self,
        graph: dict[str, Any],
        definitions: dict[str, Any],
        prefix: str,
        outer: list[Source],
        promoted: dict[tuple[str, str], Any],
    ) -> None:
        self.graph, self.prefix, self.outer, self.promoted = graph, prefix, outer, promoted
        self.nodes = {int(node["id"]): node for node in graph["nodes"]}
        self.links = {link[0]: link for link in map(_as_list, graph.get("links", []))}
        self.definitions = definitions
        self._children: dict[int, _Level] = {}

    def opened(self) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, node in self.nodes.items():
            if self._is_open(node):
                found.update(self._child(key).opened())
            else:
                plain = self._plain(node)
                found[plain.id] = plain
        return found

    def source(self, link_id: int | None) -> Source:
        """Where a link of this level comes from, through the walls of subgraphs."""
        if link_id is None or link_id not in self.links:
            return None
        _, node, slot, *_ = self.links[link_id]
        if node == INPUT_NODE:
            return self.outer[slot] if slot < len(self.outer) else None
        if node not in self.nodes:  # the page leaves such links behind when nodes are deleted
            return None
        if self._is_open(self.nodes[node]):
            return self._child(node).output(slot)
        return Origin(f"{self.prefix}{node}", slot)

    def output(self, slot: int) -> Source:
        """Where an output of this use of a subgraph comes from, inside it."""
        for link_id, link in self.links.items():
            if link[3] == OUTPUT_NODE and link[4] == slot:
                return self.source(link_id)
        return None

    def _is_open(self, node: dict[str, Any]) -> bool:
        return node["type"] in self.definitions and node.get("mode", 0) not in (MUTED, BYPASSED)

    def _child(self, key: int) -> _Level:
        """The inside of a use; made when asked for, since uses feed each other in any order."""
        if key not in self._children:
            self._children[key] = self._use(self.nodes[key])
        return self._children[key]

    def _plain(self, node: dict[str, Any]) -> Node:
        key = str(node["id"])
        inputs = [
            Input(slot["name"], str(slot.get("type")), self.source(slot.get("link")))
            for slot in node.get("inputs") or []
        ]
        outputs = [str(slot.get("type")) for slot in node.get("outputs") or []]
        values = node.get("widgets_values")
        promoted = {name: value for (at, name), value in self.promoted.items() if at == key}
        mode = node.get("mode", 0)
        kind = node["type"]
        return Node(self.prefix + key, kind, mode, inputs, outputs, values or [], promoted)

    def _use(self, node: dict[str, Any]) -> _Level:
        definition = self.definitions[node["type"]]
        slots = {slot["name"]: slot for slot in node.get("inputs") or []}
        own, inner = self._promotions(node)
        outer: list[Source] = []
        for slot in definition.get("inputs", []):
            name = slot["name"]
            source = self.source(slots.get(name, {}).get("link"))
            outer.append(Constant(own[name]) if source is None and name in own else source)
        prefix = f"{self.prefix}{node['id']}:"
        return _Level(definition, self.definitions, prefix, outer, inner)

    def _promotions(
        self, node: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[tuple[str, str], Any]]:
        """Values of a use's promoted widgets: by its own input, and by (inner node, widget)."""
        values = node.get("widgets_values") or []
        proxies = node.get("properties", {}).get("proxyWidgets")
        if not values:
            return {}, {}
        if proxies is None:  # newer pages: the values are those of the node's own inputs, in order
            own_widgets = [slot for slot in node.get("inputs") or [] if slot.get("widget")]
            proxies = [["-1", slot["name"]] for slot in own_widgets]
        if len(proxies) < len(values):
            raise LauncherError(
                f"Subgraph node {self.prefix}{node['id']} carries {len(values)} widget values and "
                f"names {len(proxies)} widgets; open the workflow in ComfyUI's page and "
                "export it in the API format."
            )
        own: dict[str, Any] = {}
        inner: dict[tuple[str, str], Any] = {}
        for (at, name, *_), value in zip(proxies, values, strict=False):
            if str(at) == "-1":
                own[name] = value
            else:
                inner[str(at), name] = value
        return own, inner


def _as_list(link: Any) -> list[Any]:
    """A link as [id, origin, slot, target, slot, type]; definitions store them as objects."""
    if isinstance(link, dict):
        names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        return [link.get(name) for name in names]
    return list(link)
