"""The nodes that gave an animated model: the legacy loader, Gen1's, the first one, and Gen2's Use
Evolved Sampling, each with all that hangs on it.

Such a node is converted whole or not at all: its parts travel through sockets that only the old
pack's nodes have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .betas import CHECKPOINT, beta_schedule, without_motion
from .graph import Graph, Node, Origin, Wire
from .loras import with_loras
from .names import has_middle, is_sdxl_beta, takes_an_image
from .old_nodes import AUTOSELECT, USE_EXISTING
from .plan import Fresh, Place, Plan, Stays, chain
from .sample_settings import sampling_of, schedule_of
from .strengths import Amount, in_range, multival
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
    tap = model_before(graph, loader)
    layers = layers_of(graph, loader)
    newest = newest_in(layers)
    tell_samplings(graph, plan, loader)
    made: Fresh | Origin = tap if newest else scheduled(graph, plan, loader, tap)
    for layer in reversed(layers):
        made = animated(graph, plan, loader, layer, made, is_newest=layer is newest)
    for windows in windows_of(graph, plan, loader):
        made = windowed(plan, loader, windows, made)
    for kind, old, values in sampling_of(graph, plan, loader).nodes:
        made = plan.add(kind, old, loader, values, {"model": made}, loader.mode)
    plan.places[Origin(loader.id, 0)] = Place(made, 0 if isinstance(made, Fresh) else made.slot)
    if "latents" in loader.taps:
        tap = loader.taps["latents"]
        plan.places[Origin(loader.id, 1)] = Place(tap, tap.slot)
    plan.gone.add(loader.id)


def model_before(graph: Graph, loader: Node) -> Origin:
    """The model that a loader takes. What another loader has put on it, it takes off again."""
    tap = loader.taps.get("model")
    if tap is None:
        raise Stays("no model is linked to it")
    for node in chain(graph.source(loader, "model"), lambda node: graph.source(node, "model")):
        if node.kind in LOADERS:
            raise Stays(f"{node.kind} ({node.id}) has animated its model, which it takes off again")
    return tap


def tell_samplings(graph: Graph, plan: Plan, loader: Node) -> None:
    """A noise schedule there stood in the place of the whole sampling, here it keeps what that
    predicts."""
    if not sets_schedule(graph, loader):
        return
    for node in chain(graph.source(loader, "model"), lambda node: graph.source(node, "model")):
        if node.kind.startswith("ModelSampling"):
            told = f"{node.kind} ({node.id})"
            plan.note(loader, f"what {told} sets before it now holds; the old pack took it off")


def layers_of(graph: Graph, loader: Node) -> list[Layer]:
    """The newest first, as the old pack lists them; it acts behind those that it was given."""
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


def newest_in(layers: list[Layer]) -> Layer | None:
    """The newest of those that are not bypassed."""
    return next((layer for layer in layers if layer.how.mode == 0 or layer.file_heir is None), None)


def sets_schedule(graph: Graph, loader: Node) -> bool:
    """Whether a run gets a noise schedule of its own from a loader that is converted."""
    if loader.kind not in LOADERS or loader.mode != 0:
        return False
    schedule = schedule_of(graph, loader)
    if schedule == AUTOSELECT:
        return newest_in(layers_of(graph, loader)) is not None
    return schedule != USE_EXISTING


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
    is_newest: bool,
) -> Fresh:
    """The model with one motion model applied. The newest that is not bypassed sets the noise
    schedule."""
    name = layer.file.value("model_name")
    if isinstance(name, Wire) or not isinstance(name, str):
        raise Stays("the name of its motion model comes through a link, or is missing")
    if takes_an_image(name):
        raise Stays(f"{name} begins from a picture, by its name, which no node here hands it")
    schedule = beta_schedule(schedule_of(graph, loader), name) if is_newest else CHECKPOINT
    load = plan.add("ADK_LoadMotionModel", layer.file_heir, layer.how, {"motion_model": name})
    motion = with_loras(graph, plan, layer.how, load)
    values = {**percents(layer.how), "beta_schedule": schedule, "norms": norms(loader, name)}
    wires: dict[str, Origin | Fresh | None] = {"model": model, "motion_model": motion}
    for widget, socket, amount in amounts(graph, plan, layer.how):
        values[widget], wires[socket] = amount.number, amount.over_time
    mode = layer.how.mode or loader.mode
    if values.get("end_percent", 1.0) != 1.0:
        plan.note(layer.how, "a step that begins exactly at end_percent is now outside of its part")
    if "motion_model_settings" in layer.how.wires:
        plan.note(loader, "motion_model_settings is left out, as the old pack left it out")
    return plan.add("ADK_ApplyMotionModel", layer.how, layer.how, values, wires, mode)


def amounts(graph: Graph, plan: Plan, how: Node) -> list[tuple[str, str, Amount]]:
    """(widget, socket of values over time, what they are) of strength and motion scale."""
    strength = multival(graph, plan, how, "effect_multival")
    scale = multival(graph, plan, how, "scale_multival")
    if "motion_scale" in how.values:
        scale = Amount(in_range(how, "motion_scale"))
    return [
        ("strength", "strength_over_time", strength),
        ("motion_scale", "scale_over_time", scale),
    ]


def percents(how: Node) -> dict[str, Any]:
    """The part of sampling, which may be the whole."""
    names = ("start_percent", "end_percent")
    known = [how.value(name) for name in names if isinstance(how.value(name), (int, float))]
    if len(known) == 2 and known[0] >= known[1]:
        raise Stays(f"{how.kind} ({how.id}) acts from {known[0]} to {known[1]} of sampling: never")
    return {name: how.given(name) for name in names if name in how.values}


def norms(loader: Node, name: str) -> str:
    """The rule of the GroupNorms. The old pack took them all over all frames for the SDXL beta, and
    with `apply_v2_models_properly` off for models with a module in the middle, v2's layout."""
    if is_sdxl_beta(name):
        return EVERYWHERE
    properly = loader.values.get("apply_v2_models_properly", loader.kind != "AnimateDiffLoaderV1")
    if properly or has_middle(name) is False:
        return "automatic"
    if has_middle(name) is None:
        raise Stays(
            f"apply_v2_models_properly is off, and the name {name} does not tell whether it is of "
            "v2's layout, on which that acts; convert with the switch on, and choose norms "
            "`everywhere` if it is"
        )
    return EVERYWHERE


EVERYWHERE = "everywhere"


def scheduled(graph: Graph, plan: Plan, loader: Node, model: Origin) -> Fresh | Origin:
    """Use Evolved Sampling without a motion model may set a noise schedule."""
    schedule = without_motion(schedule_of(graph, loader))
    if schedule == CHECKPOINT:
        return model
    values = {"beta_schedule": schedule}
    return plan.add("ADK_NoiseSchedule", loader, loader, values, {"model": model}, loader.mode)


def windowed(plan: Plan, loader: Node, windows: Windows, model: Fresh | Origin) -> Fresh:
    mode = windows.node.mode or loader.mode
    wires = {"model": model}
    return plan.add("ADK_ContextWindows", windows.node, loader, windows.values, wires, mode)
