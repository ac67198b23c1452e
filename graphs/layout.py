"""Where nodes stand: lanes from left to right, groups from top to bottom, room between all.

A node's height is LiteGraph's: 20 pixels a row of sockets, 24 a widget. Nodes 2.0 draws the same
node some 80 pixels taller, which the gap below each node is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .page import Node

TITLE = 30  # pixels above a node's position
BELOW = 80
BESIDE, BETWEEN = 40, 40  # columns of a group, groups
PADDING, HEADING = 15, 50  # of a group: at its sides, and above its nodes' titles
FOOT = 60  # of a group, below its lowest node, which may grow
SLOT, WIDGET, TEXT = 20, 24, 90
PANELS = {
    # pixels for what the pack's own scripts draw in a node: web/timeline, web/camera_pad.js
    "ADK_Animate": 40,
    "ADK_LoadMotionLoRA": 40,
    "ADK_ContextWindows": 150,
    "ADK_PromptTravel": 170,
    "ADK_Strength": 190,
    # the moving preview while they sample, which would push a node over its neighbour below
    "KSampler": 220,
    "SamplerCustomAdvanced": 220,
}
VIEW = (1600, 760)
"""What of the canvas is free on a screen of 1920 by 1080, beside the page's bars."""
FREE = (90, 150)
"""Pixels of the page's own bars, at the left and at the top."""
SMALLEST, LARGEST = 0.6, 1.0

Box = tuple[int, int, int, int]  # x y w h


@dataclass(frozen=True)
class Group:
    """Columns of nodes in a coloured box; without a title they stand free."""

    title: str
    columns: Sequence[Sequence[Node]]
    color: str = "#3f789e"

    @property
    def nodes(self) -> list[Node]:
        return [node for column in self.columns for node in column]


Lane = Sequence[Group]


def height(node: Node) -> int:
    """Of a node in pixels, without its title."""
    rows = max(len(node.kind.sockets), len(node.kind.outputs))
    texts = [entry for entry in node.kind.widgets if entry.multiline]
    widgets = sum(1 + len(entry.after()) for entry in node.kind.widgets) - len(texts)
    needed = 10 + SLOT * rows + WIDGET * widgets
    if node.kind.name == "MarkdownNote":
        return node.look.room
    drawn = PANELS.get(node.kind.name, 0)
    return needed + drawn + node.look.room + TEXT * len(texts)


def box(node: Node) -> Box:
    """What a node covers, its title included."""
    return node.pos[0], node.pos[1] - TITLE, node.look.wide, height(node) + TITLE


def place(lanes: Sequence[Lane]) -> None:
    """Gives every node its position."""
    left = 0
    for lane in lanes:
        top, right = 0, left + max(map(wide, lane))
        for group in lane:
            # what was made above goes on below it at the right
            top = _place_group(group, right - wide(group) if top else left, top) + BETWEEN
        left = right + BETWEEN


def wide(group: Group) -> int:
    """Pixels from the left to the right edge of a group's box."""
    columns = [max(node.look.wide for node in column) for column in group.columns]
    return sum(columns) + BESIDE * (len(columns) - 1) + 2 * PADDING


def _place_group(group: Group, left: int, top: int) -> int:
    """Places a group's nodes; returns the lower edge of its box."""
    x, bottom = left + PADDING, top
    for column in group.columns:
        y = top + HEADING
        for node in column:
            node.pos = (x, y + TITLE)
            y += TITLE + height(node) + BELOW
        bottom = max(bottom, y - BELOW + FOOT)
        x += max(node.look.wide for node in column) + BESIDE
    return bottom


def bounds(group: Group) -> Box:
    """The box around a group's nodes, with room for their growth."""
    boxes = [box(node) for node in group.nodes]
    left, top = min(x for x, *_ in boxes), min(y for _, y, *_ in boxes)
    right, bottom = max(x + w for x, _, w, _ in boxes), max(y + h for _, y, _, h in boxes)
    return (
        left - PADDING,
        top - HEADING,
        right - left + 2 * PADDING,
        bottom - top + HEADING + FOOT,
    )


def view(nodes: Sequence[Node]) -> dict[str, object]:
    """The first sight of the graph: as much as is seen at a size that can be read."""
    boxes = [box(node) for node in nodes]
    left, top = min(x for x, *_ in boxes) - PADDING, min(y for _, y, *_ in boxes) - HEADING
    width = max(x + w for x, _, w, _ in boxes) + PADDING - left
    tall = max(y + h for _, y, _, h in boxes) + PADDING - top
    fitting = min(VIEW[0] / width, VIEW[1] / tall)
    scale = round(min(max(fitting, SMALLEST), LARGEST), 2)
    offset = [round(FREE[0] / scale - left), round(FREE[1] / scale - top)]
    return {"scale": scale, "offset": offset}
