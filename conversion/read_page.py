"""A workflow as ComfyUI's page saves it, or the inside of one of its subgraphs, as a Graph."""

from __future__ import annotations

from typing import Any

from .graph import Graph, Node
from .old import Old
from .old_nodes import OLD_NODES
from .old_values import named
from .other_nodes import PROMPT_NODES, VIDEO_NODES
from .virtual import PAGE_ONLY, Page

KNOWN: dict[str, Old] = {**OLD_NODES, **VIDEO_NODES, **PROMPT_NODES}
"""Nodes whose widgets are known by name."""


def graph_of_page(page: Page) -> Graph:
    """Nodes that only the page knows (reroutes, primitives, notes) are followed and left out."""
    nodes: dict[str, Node] = {}
    for saved in page.nodes.values():
        if saved.get("type") not in PAGE_ONLY:
            node = node_of(saved, page)
            nodes[node.id] = node
    return Graph(nodes)


def node_of(saved: dict[str, Any], page: Page) -> Node:
    kind = str(saved.get("type"))
    outputs = [str(slot.get("type")) for slot in saved.get("outputs") or []]
    node = Node(str(saved["id"]), kind, int(saved.get("mode") or 0), outputs=outputs)
    if kind in KNOWN:
        node.values, node.surplus = named(KNOWN[kind], saved.get("widgets_values"))
    for slot in saved.get("inputs") or []:
        name, tap = str(slot.get("name")), page.tap_of(saved, slot, told=kind in KNOWN)
        near = page.near(tap) if tap else None
        wire = page.wire(tap) if tap else None
        if tap is not None:
            node.taps[name] = tap
        if near is not None:
            node.nears[name] = near
        if wire is not None:
            node.wires[name] = wire
    return node
