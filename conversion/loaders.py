"""The nodes that gave an animated model: the legacy loader, Gen1's, the first one, and Gen2's Use
Evolved Sampling, each with all that hangs on it.

Such a node is converted whole or not at all: its parts travel through sockets that only the old
pack's nodes have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .betas import CHECKPOINT, beta_schedule
from .graph import Graph, Node, Origin, Wire
from .loras import with_loras
from .names import is_surely_not_v2
from .old_nodes import USE_EXISTING
from .plan import Fresh, Place, Plan, Stays, chain
from .sample_settings import apply_settings
from .strengths import in_range, multival
from .windows import Windows, windows_of

GEN2 = "ADE_UseEvolvedSampling"
APPLY = ("ADE_ApplyAnimateDiffModel", "ADE_ApplyAnimateDiffModelSimple")
LOADERS = (
    "ADE_AnimateDiffLoaderWithContext",
    "ADE_AnimateDiffLoaderGen1",
    "AnimateDiffLoaderV1",
    GEN2,
)
BROKEN = (
    "a model goes into it or out of it, which the old pack did not know either; put Use Evolved "
    "Sampling behind it"
)


@dataclass
class Layer:
    """One motion model to apply: the node that gives its file, the one that says how."""

    file: Node
    how: Node
    file_heir: Node | None


def convert_loader(graph: Graph, plan: Plan, loader: Node) -> None:
    """Plans what takes a loader's place. Raises Stays, with the reason."""
    wire = loader.wires.get("model")
    if wire is None:
        raise Stays("no model is linked to it")
    layers = layers_of(graph, loader)
    apply_settings(graph, plan, loader)
    made: Fresh | Origin = wire.tap
    for at, layer in enumerate(layers):
        made = animated(graph, plan, loader, layer, made, is_first=at == 0)
    windows = windows_of(graph, plan, loader)
    if windows is not None:
        made = windowed(plan, loader, windows, made)
    if not layers and loader.value("beta_schedule") not in (USE_EXISTING, "autoselect"):
        raise Stays("it sets a noise schedule without a motion model")
    plan.places[Origin(loader.id, 0)] = Place(made, 0 if isinstance(made, Fresh) else made.slot)
    if "latents" in loader.wires:
        tap = loader.wires["latents"].tap
        plan.places[Origin(loader.id, 1)] = Place(tap, tap.slot)
    plan.gone.add(loader.id)


def layers_of(graph: Graph, loader: Node) -> list[Layer]:
    if loader.kind != GEN2:
        refuse(graph, loader, "ad_settings", "ad_keyframes", "per_block")
        return [Layer(loader, loader, None)]
    first = graph.near(loader, "m_models")
    layers = []
    for how in chain(first, lambda node: graph.near(node, "prev_m_models")):
        if how.kind not in APPLY:
            raise Stays(f"its motion models come from {how.kind} ({how.id})")
        refuse(graph, how, "ad_keyframes", "per_block")
        if "model" in how.wires:
            raise Stays(f"{how.kind} ({how.id}): {BROKEN}")
        file = graph.source(how, "motion_model")
        if file is None or file.kind != "ADE_LoadAnimateDiffModel":
            origin = f"{file.kind} ({file.id})" if file else "nowhere"
            raise Stays(f"the motion model of {how.kind} ({how.id}) comes from {origin}")
        refuse(graph, file, "ad_settings")
        layers.append(Layer(file, how, file))
    return layers


def refuse(graph: Graph, node: Node, *sockets: str) -> None:
    for socket in sockets:
        source = graph.source(node, socket)
        if source is not None:
            raise Stays(f"{socket} comes from {source.kind} ({source.id}), which has no equal")


def animated(
    graph: Graph,
    plan: Plan,
    loader: Node,
    layer: Layer,
    model: Fresh | Origin,
    is_first: bool,
) -> Fresh:
    """The model with one motion model applied. The first sets the noise schedule."""
    name = layer.file.value("model_name")
    if isinstance(name, Wire) or not isinstance(name, str):
        raise Stays("the name of its motion model comes through a link, or is missing")
    check_norms(loader, name)
    schedule = beta_schedule(loader.value("beta_schedule"), name) if is_first else CHECKPOINT
    load = plan.add("ADK_LoadMotionModel", layer.file_heir, layer.how, {"motion_model": name})
    motion = with_loras(graph, plan, layer.how, load)
    values = {**strengths(graph, layer.how), "beta_schedule": schedule}
    wires = {"model": model, "motion_model": motion}
    mode = layer.how.mode or loader.mode
    if "motion_model_settings" in layer.how.wires:
        plan.note(loader, "motion_model_settings is left out, as the old pack left it out")
    return plan.add("ADK_ApplyMotionModel", layer.how, layer.how, values, wires, mode)


def strengths(graph: Graph, how: Node) -> dict[str, Any]:
    values: dict[str, Any] = {"strength": multival(graph, how, "effect_multival")}
    values["motion_scale"] = multival(graph, how, "scale_multival")
    if "motion_scale" in how.values:
        values["motion_scale"] = in_range(how, "motion_scale")
    for name in ("start_percent", "end_percent"):
        if name in how.values:
            values[name] = how.value(name)
    return values


def check_norms(loader: Node, name: str) -> None:
    """On v2 models, `apply_v2_models_properly` off is the norm rule of v1."""
    properly = loader.values.get("apply_v2_models_properly", loader.kind != "AnimateDiffLoaderV1")
    if not properly and not is_surely_not_v2(name):
        raise Stays(
            f"apply_v2_models_properly is off, and by its name {name} may be a v2 model; switch it "
            "on to convert, which changes the frames"
        )


def windowed(plan: Plan, loader: Node, windows: Windows, model: Fresh | Origin) -> Fresh:
    mode = windows.node.mode or loader.mode
    wires = {"model": model}
    return plan.add("ADK_ContextWindows", windows.node, loader, windows.values, wires, mode)
