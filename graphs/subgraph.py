"""A page folded into one node, as ComfyUI's blueprints are saved: promoted widgets and outputs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .kinds import Entry
from .layout import BETWEEN, SLOT, TEXT, WIDGET, Lane, box, place
from .page import Node, Output, Page
from .saved import check, group_entries, links_of, node_entry

INSIDE, OUTSIDE = -10, -20  # ids of a definition's own ends
END = 160  # pixels that an end is wide


@dataclass(frozen=True)
class Fold:
    """What the one node shows: `widgets` by label, each fed to widgets of nodes inside (node,
    widget's name); `outputs` by label."""

    name: str
    about: str
    widgets: Mapping[str, Sequence[tuple[Node, str]]]
    outputs: Mapping[str, Output]


def blueprint(fold: Fold, page: Page, lanes: Sequence[Lane]) -> dict[str, Any]:
    """The file's content."""
    definition = _definition(fold, page, lanes)
    node = {
        "id": 1,
        "type": definition["id"],
        "pos": [0, 0],
        "size": [400, 60 + WIDGET * len(fold.widgets) + TEXT * _texts(fold)],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [
            {
                "name": slot["name"],
                "label": slot["label"],
                "type": slot["type"],
                "widget": {"name": slot["name"]},
                "link": None,
            }
            for slot in definition["inputs"]
        ],
        "outputs": [
            {"name": name, "type": given.type, "links": []} for name, given in fold.outputs.items()
        ],
        "properties": {},
        "widgets_values": [],
        "title": fold.name,
    }
    return {
        "revision": 0,
        "last_node_id": 1,
        "last_link_id": 0,
        "nodes": [node],
        "links": [],
        "version": 0.4,
        "definitions": {"subgraphs": [definition]},
        "extra": {"BlueprintDescription": fold.about},
    }


def _definition(fold: Fold, page: Page, lanes: Sequence[Lane]) -> dict[str, Any]:
    check(page, lanes)
    place(lanes)
    inner = links_of(page.nodes)
    inputs, entering = _inputs(fold, len(inner))
    outputs, leaving = _outputs(fold, len(inner) + len(entering))
    nodes = [node_entry(node, order, inner) for order, node in enumerate(page.nodes)]
    _connect(nodes, [*entering, *leaving])
    links = [
        _link(key, start.id, slot, end.id, at, kind) for key, start, slot, end, at, kind in inner
    ]
    left, right = _ends(page.nodes)
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"animatediff-kit/subgraphs/{fold.name}")),
        "version": 1,
        "state": {
            "lastGroupId": 0,
            "lastNodeId": len(page.nodes),
            "lastLinkId": len(links) + len(entering) + len(leaving),
            "lastRerouteId": 0,
        },
        "revision": 0,
        "config": {},
        "name": fold.name,
        "description": fold.about,
        "category": "AnimateDiff",
        "inputNode": {"id": INSIDE, "bounding": [left, 0, END, 40 + SLOT * len(inputs)]},
        "outputNode": {"id": OUTSIDE, "bounding": [right, 0, END, 40 + SLOT * len(outputs)]},
        "inputs": inputs,
        "outputs": outputs,
        "widgets": [],
        "nodes": nodes,
        "groups": group_entries(lanes),
        "links": [*links, *entering, *leaving],
        "extra": {},
    }


def _texts(fold: Fold) -> int:
    """How many of the widgets are boxes of several lines."""
    return sum(_entry(*targets[0]).multiline for targets in fold.widgets.values())


def _ends(nodes: Sequence[Node]) -> tuple[int, int]:
    """Where the ends of the definition stand, left and right of its nodes."""
    boxes = [box(node) for node in nodes]
    return -END - 2 * BETWEEN, max(x + w for x, _, w, _ in boxes) + 2 * BETWEEN


def _inputs(fold: Fold, links: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The definition's inputs, and the links from them."""
    inputs: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for slot, (label, targets) in enumerate(fold.widgets.items()):
        kinds = [_entry(node, name).type for node, name in targets]
        ids: list[int] = []
        for (node, name), kind in zip(targets, kinds, strict=True):
            at = [entry.name for entry in node.slots()].index(name)
            ids.append(links + len(found) + 1)
            found.append(_link(ids[-1], INSIDE, slot, node.id, at, kind))
        inputs.append(_slot(fold, "in", label, kinds[0], ids))
    return inputs, found


def _outputs(fold: Fold, links: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The definition's outputs, and the links to them."""
    outputs: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for slot, (label, given) in enumerate(fold.outputs.items()):
        key = links + slot + 1
        found.append(_link(key, given.node.id, given.slot, OUTSIDE, slot, given.type))
        outputs.append(_slot(fold, "out", label, given.type, [key]))
    return outputs, found


def _slot(fold: Fold, side: str, label: str, kind: str, links: list[int]) -> dict[str, Any]:
    place = f"animatediff-kit/subgraphs/{fold.name}/{side}/{label}"
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, place))
    return {"id": key, "name": label, "label": label, "type": kind, "linkIds": links}


def _entry(node: Node, name: str) -> Entry:
    return next(entry for entry in node.kind.widgets if entry.name == name)


def _link(key: int, start: int, slot: int, end: int, at: int, kind: str) -> dict[str, Any]:
    return {
        "id": key,
        "origin_id": start,
        "origin_slot": slot,
        "target_id": end,
        "target_slot": at,
        "type": kind,
    }


def _connect(nodes: list[dict[str, Any]], links: list[dict[str, Any]]) -> None:
    """Writes the links of the definition's ends into the nodes."""
    by_id = {node["id"]: node for node in nodes}
    for link in links:
        if link["origin_id"] == INSIDE:
            by_id[link["target_id"]]["inputs"][link["target_slot"]]["link"] = link["id"]
        else:
            by_id[link["origin_id"]]["outputs"][link["origin_slot"]]["links"].append(link["id"])
