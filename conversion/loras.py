"""MotionLoRAs: there a list that a loader takes, here nodes in a row on the motion model."""

from __future__ import annotations

from .graph import BYPASSED, Graph, Node, Wire
from .plan import Fresh, Plan, Stays, chain

KIND = "ADE_AnimateDiffLoRALoader"
NONE = ("None", "none", None)
STRENGTHS = (-4.0, 4.0)


def with_loras(graph: Graph, plan: Plan, owner: Node, motion: Fresh) -> Fresh:
    """The motion model with the LoRAs that a loader or an Apply node is given; bypassed ones come
    along, bypassed."""
    first = graph.near(owner, "motion_lora")
    found = list(chain(first, lambda node: graph.near(node, "prev_motion_lora")))
    for node in reversed(found):
        if node.kind != KIND:
            raise Stays(f"its MotionLoRAs come from {node.kind} ({node.id})")
        motion = with_lora(plan, node, motion)
    return motion


def with_lora(plan: Plan, node: Node, motion: Fresh) -> Fresh:
    name, strength = node.value("name"), node.value("strength")
    if isinstance(name, Wire):
        raise Stays(f"the name of a MotionLoRA ({node.id}) comes through a link")
    if name in NONE:
        plan.note(node, "left out: it names no file")
        return motion
    low, high = STRENGTHS
    if not isinstance(strength, Wire) and not low <= strength <= high:
        raise Stays(
            f"the strength of {node.kind} ({node.id}) is {strength}; ours goes from {low} to {high}"
        )
    mode = node.mode if node.mode == BYPASSED else 0
    values = {"lora": name, "strength": node.given("strength")}
    wires = {"motion_model": motion}
    return plan.add("ADK_LoadMotionLoRA", node, node, values, wires, mode)
