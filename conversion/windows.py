"""Context options of the old pack, and the views inside them, as the widgets of the node of context
windows, which stands once for each of those that follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .graph import UNKNOWN, Graph, Node, Wire
from .plan import Plan, Stays, chain

VIEWS = "ADE_StandardStaticViewOptions"
LOOPED = "looped_uniform"
SCHEDULES = {
    "ADE_AnimateDiffUniformContextOptions": LOOPED,
    "ADE_LoopedUniformContextOptions": LOOPED,
    "ADE_StandardUniformContextOptions": "standard_uniform",
    "ADE_StandardStaticContextOptions": "standard_static",
    "ADE_BatchedContextOptions": "batched",
}
WIDGETS = {
    "context_length": "length",
    "context_overlap": "overlap",
    "context_stride": "stride",
    "closed_loop": "closed_loop",
    "use_on_equal_length": "on_equal_length",
}
FUSE = {
    "pyramid": "pyramid",
    "flat": "flat",
    "relative": "relative",
    "overlap-linear": "overlap-ramp",
}


MOST_LEVELS = 16
"""The highest stride here: each level doubles the distance between frames, and no video is so long
that it has one more."""


@dataclass(frozen=True)
class Windows:
    node: Node
    values: dict[str, Any]


def windows_of(graph: Graph, plan: Plan, loader: Node) -> list[Windows]:
    """The windows that a loader is given, in the order in which they hold. Raises Stays where ours
    have no equal."""
    last = graph.near(loader, "context_options")
    nodes = list(chain(last, lambda node: graph.near(node, "prev_context")))
    nodes.reverse()
    if len(nodes) > 1:
        check_chain(nodes)
        nodes.sort(key=start_of)
    found = [Windows(node, values_of(graph, plan, node)) for node in nodes]
    for windows in found[1:]:
        windows.values["start_percent"] = start_of(windows.node)
    tell_chain(plan, found)
    return found


def check_chain(nodes: list[Node]) -> None:
    for node in nodes:
        if node.value("guarantee_steps") != 1:
            raise Stays(f"{node.kind} ({node.id}) holds a number of steps, which ours cannot")
        if not isinstance(node.value("start_percent"), (int, float)):
            raise Stays(f"the start_percent of {node.kind} ({node.id}) comes through a link")
    if len({start_of(node) for node in nodes}) < len(nodes):
        raise Stays(f"two of its context options begin at {start_of(nodes[-1]):g} of sampling")


def start_of(node: Node) -> float:
    return float(node.value("start_percent"))


def values_of(graph: Graph, plan: Plan, node: Node) -> dict[str, Any]:
    if node.kind not in SCHEDULES:
        raise Stays(f"its context options come from {node.kind} ({node.id})")
    values: dict[str, Any] = {"schedule": SCHEDULES[node.kind], "fuse": fuse_of(node)}
    for old, ours in WIDGETS.items():
        if old in node.values:
            values[ours] = node.given(old)
    if node.kind == "ADE_BatchedContextOptions":
        values["overlap"] = 0
    check_range(node, values["length"], values["overlap"])
    if isinstance(values.get("stride"), int) and values["stride"] > MOST_LEVELS:
        plan.note(
            node, f"context_stride {values['stride']} is now {MOST_LEVELS}, and does the same"
        )
        values["stride"] = MOST_LEVELS
    tell(plan, node, values)
    return values | views_of(graph, node)


def views_of(graph: Graph, node: Node) -> dict[str, Any]:
    """The widgets of the views inside the windows of a node."""
    views = graph.near(node, "view_opts")
    if views is None:
        return {}
    if views.kind != VIEWS:
        raise Stays(f"the view_opts of {node.kind} ({node.id}) come from {views.kind} ({views.id})")
    if fuse_of(views) != fuse_of(node):
        raise Stays(
            f"{views.kind} ({views.id}) joins views by {fuse_of(views)!r}, {node.kind} ({node.id}) "
            f"windows by {fuse_of(node)!r}, which ours joins alike"
        )
    length, overlap = views.given("view_length"), views.given("view_overlap")
    check_range(views, length, overlap)
    return {"view_length": length, "view_overlap": overlap}


def check_range(node: Node, length: Any, overlap: Any) -> None:
    length, overlap = known(length), known(overlap)
    if length is UNKNOWN or overlap is UNKNOWN:
        return
    if not 0 <= overlap < length:
        raise Stays(
            f"{node.kind} ({node.id}) has windows of {length} frames that overlap by {overlap}, "
            "which cover no video"
        )


def known(value: Any) -> Any:
    return value.value if isinstance(value, Wire) else value


def fuse_of(node: Node) -> Any:
    method = node.value("fuse_method") if "fuse_method" in node.values else "flat"
    if method not in FUSE:
        raise Stays(f"{node.kind} ({node.id}) joins windows by {method!r}, which this pack has not")
    return FUSE[method]


def tell(plan: Plan, node: Node, values: dict[str, Any]) -> None:
    if values.get("closed_loop") is True and values.get("on_equal_length") is False:
        plan.note(node, "closed_loop now also closes a video of exactly one window")
    stride = known(values.get("stride", 1))
    if stride is UNKNOWN or stride > 1:
        plan.note(
            node,
            "at a stride above 1 each frame is now in every step's windows; the old pack named "
            "some twice, and some outside the video",
        )


def tell_chain(plan: Plan, found: list[Windows]) -> None:
    lengths = [known(windows.values["length"]) for windows in found]
    if UNKNOWN in lengths or any(length < lengths[0] for length in lengths):
        plan.note(
            found[0].node,
            "these windows decided whether those that follow were there at all; now each decides "
            "for itself, by its length",
        )
