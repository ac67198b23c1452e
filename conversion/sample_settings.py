"""Sample settings: what of them can be kept, and how."""

from __future__ import annotations

from typing import Any

from .cfg import set_cfg
from .graph import Graph, Node
from .plan import Plan, Stays

NEUTRAL: dict[str, tuple[Any, ...]] = {
    "batch_offset": (0,),
    "noise_type": ("default",),
    "seed_gen": ("comfy",),
    "seed_offset": (0,),
}
"""What does nothing."""

WITHOUT_EQUAL = (
    "noise_layers",
    "iteration_opts",
    "sigma_schedule",
    "image_inject",
    "ancestral_opts",
)


def apply_settings(graph: Graph, plan: Plan, loader: Node) -> None:
    """Keeps what a loader's sample settings do. Raises Stays for what has no equal."""
    node = graph.source(loader, "sample_settings")
    if node is None:
        return
    if node.kind != "ADE_AnimateDiffSamplingSettings":
        raise Stays(f"its sample settings come from {node.kind} ({node.id})")
    for name, neutral in NEUTRAL.items():
        if node.value(name) not in neutral:
            raise Stays(f"its sample settings ({node.id}) have {name} {node.value(name)}")
    for socket in WITHOUT_EQUAL:
        if graph.source(node, socket) is not None:
            raise Stays(f"its sample settings ({node.id}) have {socket}")
    if node.value("adapt_denoise_steps"):
        plan.note(node, "adapt_denoise_steps is left out: it did nothing in the old pack either")
    if "seed_override" in node.wires:
        plan.note(node, "seed_override is left out: the old pack did not use it either")
    custom = graph.source(node, "custom_cfg")
    if custom is not None:
        set_cfg(graph, plan, loader, custom)
