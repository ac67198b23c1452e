"""A workflow as ComfyUI's page saves it, or the inside of one of its subgraphs, as a Graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .graph import SUBGRAPH_INPUT, SUBGRAPH_OUTPUT, Graph, Node, Origin
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
    return Graph(nodes, border=border_of(page), leaving=list(leaving_of(page)))


def border_of(page: Page) -> dict[Origin, Node]:
    """A node for each input of a subgraph; its outputs are those of the border as a whole."""
    slots = page.content.get("inputs") or []
    kinds = [str(slot.get("type")) for slot in slots]
    names = [str(slot.get("label") or slot.get("name")) for slot in slots]
    return {
        Origin(SUBGRAPH_INPUT, at): Node(name, "the subgraph's input", outputs=kinds)
        for at, name in enumerate(names)
    }


def leaving_of(page: Page) -> Iterator[tuple[Origin, str]]:
    """The outputs that a subgraph gives, past reroutes and the like."""
    slots = page.content.get("outputs") or []
    for link in page.links.values():
        if str(link["target_id"]) != SUBGRAPH_OUTPUT:
            continue
        at = int(link["target_slot"])
        name = str(slots[at].get("name")) if at < len(slots) else str(at)
        wire = page.wire(link.origin)
        for origin in {page.near(link.origin), wire.origin if wire else None}:
            if origin is not None:
                yield origin, name


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
