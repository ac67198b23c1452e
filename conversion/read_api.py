"""A prompt, as ComfyUI's API takes it, as a Graph."""

from __future__ import annotations

from typing import Any

from .graph import Graph, Node, Origin, Wire
from .old_values import of_prompt
from .read_page import KNOWN


def graph_of_prompt(prompt: dict[str, Any]) -> Graph:
    """Entries that are no nodes, such as comments, are left alone."""
    nodes = {str(key): node_of(str(key), entry) for key, entry in prompt.items() if is_node(entry)}
    return Graph(nodes, is_prompt=True)


def is_node(entry: Any) -> bool:
    return isinstance(entry, dict) and "class_type" in entry


def node_of(key: str, entry: dict[str, Any]) -> Node:
    kind = str(entry["class_type"])
    inputs = entry.get("inputs") or {}
    links = {name: link_of(value) for name, value in inputs.items() if is_link(value)}
    given = {name: value for name, value in inputs.items() if name not in links}
    values = of_prompt(KNOWN[kind], given) if kind in KNOWN else given
    outputs = list(KNOWN[kind].outputs) if kind in KNOWN else []
    wires = {name: Wire(origin, origin) for name, origin in links.items()}
    return Node(key, kind, 0, values, wires, links, links, outputs)


def is_link(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], (str, int))
        and type(value[1]) is int
    )


def link_of(value: list[Any]) -> Origin:
    return Origin(str(value[0]), value[1])
