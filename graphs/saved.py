"""A laid out page as the file that ComfyUI's page saves (version 0.4)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from .layout import Group, Lane, bounds, height, place, view
from .page import NOTE_KIND, Node, Output, Page

Link = tuple[int, Node, int, Node, int, str]  # id, from, slot, to, place, type


def workflow(name: str, page: Page, lanes: Sequence[Lane]) -> dict[str, Any]:
    """The file's content. Raises ValueError for a node that stands nowhere."""
    check(page, lanes)
    place(lanes)
    links = links_of(page.nodes)
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"animatediff-kit/{name}")),
        "revision": 0,
        "last_node_id": len(page.nodes),
        "last_link_id": len(links),
        "nodes": [node_entry(node, order, links) for order, node in enumerate(page.nodes)],
        "links": [
            [key, start.id, slot, end.id, at, kind] for key, start, slot, end, at, kind in links
        ],
        "groups": group_entries(lanes),
        "config": {},
        "extra": {"ds": view(page.nodes)},
        "version": 0.4,
    }


def text(content: dict[str, Any]) -> str:
    """The file: one line for each node and link, so that changes can be read."""
    parts: list[str] = []
    for key, value in content.items():
        if key in ("nodes", "links", "groups") and value:
            rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in value)
            parts.append(f" {json.dumps(key)}: [\n  {rows}\n ]")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def check(page: Page, lanes: Sequence[Lane]) -> None:
    placed = [node for lane in lanes for group in lane for node in group.nodes]
    missing = [node.kind.name for node in page.nodes if node not in placed]
    if missing or len(placed) != len(page.nodes):
        raise ValueError(f"Each node stands in one column; nowhere, or twice: {missing}.")


def links_of(nodes: Sequence[Node]) -> list[Link]:
    """Every link, in the order of the nodes that it enters; ids count up from 1."""
    found: list[Link] = []
    for node in nodes:
        for at, entry in enumerate(node.slots()):
            given = node.inputs.get(entry.name)
            if isinstance(given, Output):
                found.append((len(found) + 1, given.node, given.slot, node, at, given.type))
    return found


def node_entry(node: Node, order: int, links: Sequence[Link]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": node.id,
        "type": node.kind.name,
        "pos": list(node.pos),
        "size": [node.look.wide, height(node)],
        "flags": {},
        "order": order,
        "mode": 0,
        "inputs": input_entries(node, links),
        "outputs": [
            {
                "name": name,
                "type": kind,
                "links": [link[0] for link in links if link[1] is node and link[2] == slot],
            }
            for slot, (name, kind) in enumerate(node.kind.outputs)
        ],
        "properties": {"Node name for S&R": node.kind.name},
        "widgets_values": node.values(),
    }
    if node.models:
        entry["properties"]["models"] = [model.saved() for model in node.models]
    if node.title:
        entry["title"] = node.title
    if node.look.color:
        entry["color"], entry["bgcolor"] = node.look.color
    return entry


def input_entries(node: Node, links: Sequence[Link]) -> list[dict[str, Any]]:
    """Sockets and widgets. All are written: the page takes a link's place from the whole list."""
    if node.kind is NOTE_KIND:
        return []
    incoming = {link[4]: link[0] for link in links if link[3] is node}
    entries: list[dict[str, Any]] = []
    for at, entry in enumerate(node.slots()):
        saved: dict[str, Any] = {"name": entry.name, "type": entry.type}
        if entry.widget:
            saved["widget"] = {"name": entry.name}
        if entry.optional:
            saved["shape"] = 7
        entries.append({**saved, "link": incoming.get(at)})
    return entries


def group_entries(lanes: Sequence[Lane]) -> list[dict[str, Any]]:
    titled: list[Group] = [group for lane in lanes for group in lane if group.title]
    return [
        {
            "id": key,
            "title": group.title,
            "bounding": list(bounds(group)),
            "color": group.color,
            "font_size": 24,
            "flags": {},
        }
        for key, group in enumerate(titled, 1)
    ]
