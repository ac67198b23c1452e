"""Custom CFG: the old pack's value stood above the sampler's; here it is the sampler's."""

from __future__ import annotations

from collections.abc import Iterator

from .graph import Graph, Node, Origin, Wire
from .plan import Plan, Stays

SAMPLERS = ("KSampler", "KSamplerAdvanced", "CFGGuider", "SamplerCustom")
"""ComfyUI's nodes that have a widget `cfg`."""

IGNORING = ("BasicScheduler", "SDTurboScheduler", "AlignYourStepsScheduler", "ModelSave")
"""Those that take a model and no CFG."""


def set_cfg(graph: Graph, plan: Plan, loader: Node, custom: Node) -> None:
    """Plans the value for every sampler of a loader's model. Raises Stays where one is no sampler
    of ComfyUI's own."""
    if custom.kind != "ADE_CustomCFGSimple" or graph.source(custom, "cfg_extras") is not None:
        raise Stays(f"its CFG comes from {custom.kind} ({custom.id})")
    value = custom.value("cfg")
    if isinstance(value, Wire) or not isinstance(value, (int, float)):
        raise Stays(f"its CFG ({custom.id}) comes through a link")
    found = list(takers(graph, loader))
    for node in found:
        if node.kind not in SAMPLERS or "cfg" in node.wires:
            raise Stays(
                f"its CFG of {value} ({custom.id}) would have to be set in {node.kind} ({node.id})"
            )
    for node in found:
        plan.set_values.append((node.id, "cfg", float(value)))
        plan.note(custom, f"cfg {value} is now the cfg of {node.kind} ({node.id})")


def takers(graph: Graph, loader: Node) -> Iterator[Node]:
    """The nodes that a model ends in, past those that hand a model on."""
    users, seen, left = graph.users(), set(), [Origin(loader.id, 0)]
    while left:
        for user in users.get(left.pop(), []):
            node = graph.nodes[user.node]
            if node.id in seen or node.kind in IGNORING:
                continue
            seen.add(node.id)
            models = [
                Origin(node.id, at) for at, kind in enumerate(node.outputs) if kind == "MODEL"
            ]
            left += models
            if not models:
                yield node
