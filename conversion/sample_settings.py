"""Sample settings: noise and guidance, which here are nodes on the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .graph import Graph, Node
from .plan import Plan, Stays

NOISES = {
    "default": "random",
    "FreeNoise": "FreeNoise",
    "repeated_context": "repeated",
    "constant": "constant",
    "empty": "empty",
}
GENERATORS = {"comfy": "ComfyUI", "auto1111": "a seed for each frame"}
PLAIN: dict[str, Any] = {
    "noise": "random",
    "generator": "ComfyUI",
    "seed_offset": 0,
    "batch_offset": 0,
}
"""The sampler's own noise: no node is needed for it."""

WITHOUT_EQUAL = (
    "noise_layers",
    "iteration_opts",
    "image_inject",
    "ancestral_opts",
)


@dataclass(frozen=True)
class Sampling:
    """Nodes that follow on the model: (kind, the old node that it comes from, its widgets)."""

    nodes: list[tuple[str, Node, dict[str, Any]]] = field(default_factory=list)


def sampling_of(graph: Graph, plan: Plan, loader: Node) -> Sampling:
    """What a loader's sample settings do. Raises Stays for what has no equal."""
    node = graph.source(loader, "sample_settings")
    if node is None:
        return Sampling()
    if node.kind != "ADE_AnimateDiffSamplingSettings":
        raise Stays(f"its sample settings come from {node.kind} ({node.id})")
    for socket in WITHOUT_EQUAL:
        source = graph.source(node, socket)
        if source is not None:
            raise Stays(f"its sample settings ({node.id}) have {socket} from {source.kind}")
    if node.value("adapt_denoise_steps"):
        plan.note(node, "adapt_denoise_steps is left out: it did nothing in the old pack either")
    found = Sampling()
    noise = noise_of(node)
    if noise != PLAIN:
        check_seed(node)
        found.nodes.append(("ADK_ModelNoise", node, noise))
    elif "seed_override" in node.wires:
        plan.note(node, "seed_override is left out: beside these settings it did nothing")
    custom = graph.source(node, "custom_cfg")
    if custom is not None:
        found.nodes.append(("ADK_ModelGuidance", custom, {"cfg": cfg_of(graph, custom)}))
    return found


def schedule_of(graph: Graph, loader: Node) -> Any:
    """The old name of a loader's noise schedule; one in its sample settings stands above its own.
    Both are put on the model in the same way."""
    settings = graph.source(loader, "sample_settings")
    schedule = graph.source(settings, "sigma_schedule") if settings else None
    if schedule is not None and schedule.kind != "ADE_SigmaSchedule":
        raise Stays(f"its noise schedule comes from {schedule.kind} ({schedule.id})")
    return (schedule or loader).value("beta_schedule")


def noise_of(node: Node) -> dict[str, Any]:
    kind, generator = node.value("noise_type"), node.value("seed_gen")
    if kind not in NOISES or generator not in GENERATORS:
        raise Stays(f"its sample settings ({node.id}) draw noise by {kind!r} and {generator!r}")
    offsets = {name: node.value(name) for name in ("seed_offset", "batch_offset")}
    return {"noise": NOISES[kind], "generator": GENERATORS[generator], **offsets}


def check_seed(node: Node) -> None:
    if "seed_override" in node.wires:
        raise Stays(f"its sample settings ({node.id}) have a seed of their own")


def cfg_of(graph: Graph, custom: Node) -> Any:
    if custom.kind != "ADE_CustomCFGSimple" or graph.source(custom, "cfg_extras") is not None:
        raise Stays(f"its guidance comes from {custom.kind} ({custom.id})")
    return custom.given("cfg")
