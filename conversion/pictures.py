"""Single nodes that have an equal of ComfyUI's own: the empty latent and the checkpoint loader."""

from __future__ import annotations

from .graph import Graph, Node, Origin, Wire
from .old_nodes import USE_EXISTING
from .plan import Place, Plan, Stays

MOST_FRAMES = 4096
"""The batch that ComfyUI's Empty Latent Image makes at most."""


def convert_latent(graph: Graph, plan: Plan, node: Node) -> None:
    batch = node.value("batch_size")
    if not isinstance(batch, Wire) and batch > MOST_FRAMES:
        raise Stays(f"it makes {batch} frames; Empty Latent Image makes at most {MOST_FRAMES}")
    values = {name: node.value(name) for name in node.values}
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
    if schedule not in (USE_EXISTING, "autoselect"):
        check_overruled(graph, plan, node, str(schedule))
    made = plan.add("CheckpointLoaderSimple", node, node, {"ckpt_name": name}, mode=node.mode)
    for slot in range(3):
        plan.places[Origin(node.id, slot)] = Place(made, slot)
    plan.gone.add(node.id)


PASSING_MODELS = ("LoraLoader", "LoraLoaderModelOnly", "FreeU", "FreeU_V2")
"""ComfyUI's nodes that hand a model on and leave its noise schedule alone."""


def check_overruled(graph: Graph, plan: Plan, node: Node, schedule: str) -> None:
    users, left = graph.users(), [Origin(node.id, 0)]
    while left:
        for user in users.get(left.pop(), []):
            taker = graph.nodes[user.node]
            if taker.kind in PASSING_MODELS:
                left.append(Origin(taker.id, 0))
            elif not overrules(plan, taker):
                raise Stays(
                    f"{taker.kind} ({taker.id}) takes its model with the noise schedule "
                    f"{schedule}, which this pack sets with a motion model alone"
                )
    plan.note(node, f"{schedule} is left out: the motion model's node sets the noise schedule")


def overrules(plan: Plan, taker: Node) -> bool:
    """Whether a node was converted and sets a schedule of its own."""
    if taker.kind == "ModelSamplingDiscrete":
        return True
    return taker.id in plan.gone and taker.value("beta_schedule") not in (None, USE_EXISTING)
