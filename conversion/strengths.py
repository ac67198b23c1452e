"""Multivals: how strong a motion model is, and how far it moves, by frame and pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .graph import Graph, Node, Wire
from .plan import Fresh, Plan, Stays

HIGHEST = 4.0
"""The most that Apply Motion Model takes; the old pack had no limit."""


@dataclass(frozen=True)
class Amount:
    """A number for a widget, and the node of a value over frames or pixels, which multiplies it."""

    number: Any = 1.0
    over_time: Fresh | None = None


def multival(graph: Graph, plan: Plan, node: Node, socket: str) -> Amount:
    """What a Multival on a socket gives; 1 where there is none. Raises Stays for one that has no
    equal."""
    source = graph.source(node, socket)
    if source is None:
        return Amount()
    if source.kind == "ADE_MultivalDynamic":
        return dynamic(plan, source)
    if source.kind == "ADE_MultivalScaledMask":
        return Amount(over_time=scaled_mask(plan, source))
    raise Stays(f"{socket} comes from {source.kind} ({source.id}), which has no equal")


def dynamic(plan: Plan, node: Node) -> Amount:
    """A number, or a list of them, one a frame, through a link; black of a mask is 0."""
    value, mask = node.value("float_val"), node.wires.get("mask_optional")
    if not isinstance(value, Wire) and mask is None:
        return Amount(in_range(node, "float_val"))
    made = plan.add("ADK_Strength", node, node, mode=node.mode)
    if isinstance(value, Wire):
        made.wires["floats"] = value.tap
    else:
        made.set("value", float(value))
    if mask is not None:
        made.wires["mask"] = mask.tap
    return Amount(over_time=made)


def scaled_mask(plan: Plan, node: Node) -> Fresh:
    if node.value("scaling") != "absolute":
        raise Stays(
            f"{node.kind} ({node.id}) stretches its mask to the full range, which this pack's "
            "strengths do not"
        )
    if "mask" not in node.wires or isinstance(node.value("min_float_val"), Wire):
        raise Stays(f"{node.kind} ({node.id}) has no mask, or a list for its lower end")
    made = plan.add("ADK_Strength", node, node, mode=node.mode)
    made.set("outside", node.value("min_float_val"))
    high = node.value("max_float_val")
    if isinstance(high, Wire):
        made.wires["floats"] = high.tap
    else:
        made.set("value", high)
    made.wires["mask"] = node.wires["mask"].tap
    return made


def in_range(node: Node, name: str) -> Any:
    value = node.value(name)
    if isinstance(value, Wire):
        return value
    if not isinstance(value, (int, float)) or not 0 <= value <= HIGHEST:
        raise Stays(f"{name} of {node.kind} ({node.id}) is {value}; ours goes from 0 to {HIGHEST}")
    return node.given(name)
