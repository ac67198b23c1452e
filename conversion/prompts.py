"""FizzNodes' schedules of prompts as Prompt Travel."""

from __future__ import annotations

from typing import Any

from .graph import Graph, Node, Origin, Wire
from .new_nodes import NEW_NODES
from .plan import Place, Plan, Stays

TRAVEL = "ADK_PromptTravel"
OLD_DEFAULT = "0"
"""What FizzNodes' app_text held in early versions; it takes such a 0 off the end of each prompt."""

ONE_FRAME = ("PromptSchedule", "PromptScheduleNodeFlow", "PromptScheduleEncodeSDXL")
BY_LATENT = ("BatchPromptScheduleLatentInput", "BatchPromptScheduleSDXLLatentInput")
REASONS: dict[str, str] = {
    **dict.fromkeys(ONE_FRAME, "it gives the prompt of one frame; Prompt Travel gives a video's"),
    **dict.fromkeys(BY_LATENT, "it counts the frames of a latent; Prompt Travel is told them"),
    "BatchPromptScheduleEncodeSDXL": "Prompt Travel has no sizes for SDXL",
}
"""Schedules that have no equal, and why."""


def convert_prompts(graph: Graph, plan: Plan, node: Node) -> None:
    if "clip" not in node.wires:
        raise Stays("no text encoder is linked to it")
    values: dict[str, Any] = {
        "prompts": node.given("text"),
        "frames": node.given("max_frames"),
        "before": node.given("pre_text"),
        "after": without_old_default(node.given("app_text")),
        "join": "spaces",
    }
    values |= {name: node.given(name) for name in ("pw_a", "pw_b", "pw_c", "pw_d")}
    kept = {name: value for name, value in values.items() if name in NEW_NODES[TRAVEL].types}
    check(plan, node, {name: value for name, value in values.items() if name not in kept})
    made = plan.add(TRAVEL, node, node, kept, {"clip": node.wires["clip"].tap}, node.mode)
    plan.places[Origin(node.id, 0)] = Place(made)
    outputs = len(NEW_NODES[TRAVEL].outputs)
    if Origin(node.id, 1) in graph.users():
        if outputs < 2:
            raise Stays("its second output, the negative prompts, is in use")
        plan.places[Origin(node.id, 1)] = Place(made, 1)
    plan.gone.add(node.id)


def without_old_default(value: Any) -> Any:
    return "" if value == OLD_DEFAULT else value


def check(plan: Plan, node: Node, left: dict[str, Any]) -> None:
    """What Prompt Travel has no input for must do nothing."""
    for name, value in left.items():
        if name == "join":
            around = (node.value("pre_text"), without_old_default(node.value("app_text")))
            if any(around):
                raise Stays("it joins texts by a space, Prompt Travel by a comma")
        elif isinstance(value, Wire) or (value and "`" in str(node.value("text"))):
            raise Stays(f"its prompts are computed with {name}")
