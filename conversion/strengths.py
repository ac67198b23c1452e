"""Multivals: the strength and the motion scale of a motion model."""

from __future__ import annotations

from typing import Any

from .graph import Graph, Node, Wire
from .plan import Stays

HIGHEST = 4.0
"""The most that Apply Motion Model takes; the old pack had no limit."""


def multival(graph: Graph, node: Node, socket: str) -> Any:
    """The number, or the Wire, that a Multival on a socket gives; 1 where there is none. Raises
    Stays for masks and lists, and for a number out of range."""
    source = graph.source(node, socket)
    if source is None:
        return 1.0
    if source.kind != "ADE_MultivalDynamic" or "mask_optional" in source.wires:
        raise Stays(f"{socket} comes from {source.kind} ({source.id}), a value a frame or pixel")
    return in_range(source, "float_val")


def in_range(node: Node, name: str) -> Any:
    value = node.value(name)
    if isinstance(value, Wire):
        raise Stays(
            f"{name} of {node.kind} ({node.id}) comes through a link, which may carry a value a "
            "frame"
        )
    if not isinstance(value, (int, float)) or not 0 <= value <= HIGHEST:
        raise Stays(f"{name} of {node.kind} ({node.id}) is {value}; ours goes from 0 to {HIGHEST}")
    return float(value)
