"""FizzNodes' schedules of prompts as Prompt Travel."""

from __future__ import annotations

from typing import Any

from .graph import Graph, Node, Origin
from .other_nodes import BY_LATENT, WEIGHTS
from .plan import Place, Plan, Stays

OLD_DEFAULT = "0"
"""What app_text held in early versions; FizzNodes takes such a 0 off the end of each prompt."""

ONE_FRAME = "it gives the prompt of one frame; Prompt Travel gives a video's"
FOR_SDXL = "Prompt Travel has no sizes for SDXL"
REASONS: dict[str, str] = {
    "PromptSchedule": ONE_FRAME,
    "PromptScheduleNodeFlow": ONE_FRAME,
    "PromptScheduleNodeFlowEnd": ONE_FRAME,
    "PromptScheduleEncodeSDXL": FOR_SDXL,
    "BatchPromptScheduleEncodeSDXL": FOR_SDXL,
    "BatchPromptScheduleSDXLLatentInput": FOR_SDXL,
}
"""Schedules that have no equal, and why."""


def convert_prompts(graph: Graph, plan: Plan, node: Node) -> None:
    """FizzNodes joins texts by one space; its second output is what stands behind --neg."""
    if "clip" not in node.taps:
        raise Stays("no text encoder is linked to it")
    values: dict[str, Any] = {
        "prompts": node.given("text"),
        "before": node.given("pre_text"),
        "after": without_old_default(node.given("app_text")),
        "join": "spaces",
    }
    values |= {name: node.given(name) for name in WEIGHTS}
    if node.kind != BY_LATENT:
        values["frames"] = node.given("max_frames")
    made = plan.add("ADK_PromptTravel", node, node, values, mode=node.mode)
    made.wires["clip"] = node.taps["clip"]
    if node.kind == BY_LATENT:
        hand_latent_on(plan, node)
        made.wires["latent"] = node.taps["num_latents"]
    for slot in range(2):
        plan.places[Origin(node.id, slot)] = Place(made, slot)
    plan.gone.add(node.id)


def hand_latent_on(plan: Plan, node: Node) -> None:
    """The third output is the latent that came in."""
    if "num_latents" not in node.taps:
        raise Stays("no latent is linked to it")
    tap = node.taps["num_latents"]
    plan.places[Origin(node.id, 2)] = Place(tap, tap.slot)


def without_old_default(value: Any) -> Any:
    return "" if value == OLD_DEFAULT else value
