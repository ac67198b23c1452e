"""Single nodes beside the loaders: the empty latent, the checkpoint loader, Unload."""

from __future__ import annotations

from .betas import AUTOMATIC, CHECKPOINT, beta_schedule, without_motion
from .graph import Graph, Node, Origin, Wire
from .loaders import LOADERS, sets_schedule
from .plan import Place, Plan, Stays
from .sample_settings import schedule_of

MOST_FRAMES = 4096
"""The batch that ComfyUI's Empty Latent Image makes at most."""


def convert_latent(graph: Graph, plan: Plan, node: Node) -> None:
    batch = node.value("batch_size")
    if not isinstance(batch, Wire) and batch > MOST_FRAMES:
        raise Stays(f"it makes {batch} frames; Empty Latent Image makes at most {MOST_FRAMES}")
    values = {name: node.given(name) for name in node.values}
    made = plan.add("EmptyLatentImage", node, node, values, mode=node.mode)
    plan.places[Origin(node.id, 0)] = Place(made)
    plan.gone.add(node.id)


def convert_checkpoint(graph: Graph, plan: Plan, node: Node) -> None:
    """A noise schedule of its own is left out where every model that it gives gets another."""
    name, schedule = node.value("ckpt_name"), node.value("beta_schedule")
    if isinstance(name, Wire) or isinstance(schedule, Wire):
        raise Stays("its checkpoint or its noise schedule comes through a link")
    if node.value("use_custom_scale_factor"):
        raise Stays(f"it sets the scale factor of the latents to {node.value('scale_factor')}")
    made = plan.add("CheckpointLoaderSimple", node, node, {"ckpt_name": name}, mode=node.mode)
    for slot in range(3):
        plan.places[Origin(node.id, slot)] = Place(made, slot)
    ours = without_motion(schedule)
    if ours != CHECKPOINT and is_overruled(graph, plan, node):
        plan.note(node, f"{schedule} is left out: the motion model's node sets the noise schedule")
    elif ours != CHECKPOINT:
        values = {"beta_schedule": ours}
        wires = {"model": made}
        scheduled = plan.add("ADK_NoiseSchedule", None, node, values, wires, node.mode)
        plan.places[Origin(node.id, 0)] = Place(scheduled)
    plan.gone.add(node.id)


def convert_unload(graph: Graph, plan: Plan, node: Node) -> None:
    """The model as it was before a loader, in the loader's noise schedule."""
    loader = graph.source(node, "model")
    if loader is None or loader.kind not in LOADERS or loader.id not in plan.gone:
        told = f"{loader.kind} ({loader.id})" if loader else "nowhere"
        raise Stays(f"its model comes from {told}, and not from a loader that was converted")
    ours = beta_schedule(schedule_of(graph, loader), str(loader.value("model_name")))
    if ours == AUTOMATIC:
        raise Stays("the noise schedule of its loader is chosen by the motion model")
    before = loader.taps["model"]
    place = Place(before, before.slot)
    if ours != CHECKPOINT:
        values, wires = {"beta_schedule": ours}, {"model": before}
        place = Place(plan.add("ADK_NoiseSchedule", node, node, values, wires, node.mode))
    plan.places[Origin(node.id, 0)] = place
    plan.gone.add(node.id)


PASSING_MODELS = ("LoraLoader", "LoraLoaderModelOnly", "FreeU", "FreeU_V2")
"""ComfyUI's nodes that hand a model on and leave its noise schedule alone."""


def is_overruled(graph: Graph, plan: Plan, node: Node) -> bool:
    """Whether every taker of its model was converted and sets a noise schedule of its own."""
    users, left = graph.users(), [Origin(node.id, 0)]
    while left:
        for user in users.get(left.pop(), []):
            taker = graph.nodes.get(user.node)
            if taker is None:  # beyond a subgraph's border
                return False
            if taker.kind in PASSING_MODELS:
                left.append(Origin(taker.id, 0))
            elif taker.id not in plan.gone or not sets_schedule(graph, taker):
                return False
    return True
