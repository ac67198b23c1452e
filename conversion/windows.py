"""Context options of the old pack as the widgets of Slide Context Windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .graph import UNKNOWN, Graph, Node, Wire
from .plan import Plan, Stays

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


@dataclass(frozen=True)
class Windows:
    node: Node
    values: dict[str, Any]


def windows_of(graph: Graph, plan: Plan, loader: Node) -> Windows | None:
    """The windows that a loader is given. Raises Stays where ours have no equal."""
    node = graph.near(loader, "context_options")
    if node is None:
        return None
    if node.kind not in SCHEDULES:
        raise Stays(f"its context options come from {node.kind} ({node.id})")
    check(graph, node)
    values: dict[str, Any] = {"schedule": SCHEDULES[node.kind], "fuse": fuse_of(node)}
    for old, ours in WIDGETS.items():
        if old in node.values:
            values[ours] = node.given(old)
    if node.kind == "ADE_BatchedContextOptions":
        values["overlap"] = 0
    check_range(node, values)
    tell(plan, node, values)
    return Windows(node, values)


def check(graph: Graph, node: Node) -> None:
    for socket in ("prev_context", "view_opts"):
        if graph.source(node, socket) is not None:
            raise Stays(f"{node.kind} ({node.id}) has {socket}, for which this pack has no equal")
    # guarantee_steps acts beside other options alone
    if node.value("start_percent") != 0:
        raise Stays(f"{node.kind} ({node.id}) begins at {node.value('start_percent')} of sampling")


def check_range(node: Node, values: dict[str, Any]) -> None:
    length, overlap = (known(values[name]) for name in ("length", "overlap"))
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
