"""Which rule converts which node, and the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .beside import convert_checkpoint, convert_latent, convert_unload
from .graph import SUBGRAPH_OUTPUT, Graph, Node, User
from .loaders import BROKEN, LOADERS, convert_loader
from .old_nodes import OLD_NODES, is_old
from .other_nodes import PROMPT_NODES, VIDEO_NODES
from .plan import Plan, Stays
from .prompts import REASONS, convert_prompts
from .videos import convert_video

Rule = Callable[[Graph, Plan, Node], None]

COMBINE = "ADE_AnimateDiffCombine"
RULES: tuple[tuple[str, Rule], ...] = (
    *((kind, convert_loader) for kind in LOADERS),
    ("ADE_EmptyLatentImageLarge", convert_latent),
    # after the loaders, which they ask about
    ("ADE_AnimateDiffUnload", convert_unload),
    ("CheckpointLoaderSimpleWithNoiseSelect", convert_checkpoint),
)

OWN = {kind for kind, _ in RULES} | {COMBINE}
"""Nodes that stand for themselves; the other old ones are parts of a loader."""

WITHOUT_RULE = {COMBINE: "--videos converts it, to nodes that write WebP and MP4 and no GIF"}


@dataclass(frozen=True)
class Choices:
    """What is converted beside the old pack's nodes."""

    videos: bool = False
    prompts: bool = False


def plan_of(graph: Graph, choices: Choices) -> Plan:
    """Every rule on every node that it is for. What has no equal stays, with its reason."""
    plan = Plan()
    for kind, rule in rules(choices):
        for node in graph.kinds(kind):
            convert(graph, plan, node, rule)
    for node in graph.nodes.values():
        if node.kind in WITHOUT_RULE and node.id not in plan.gone and node.id not in plan.kept:
            plan.kept[node.id] = WITHOUT_RULE[node.kind]
        if choices.prompts and node.kind in REASONS:
            plan.kept[node.id] = REASONS[node.kind]
    take_parts(graph, plan)
    return plan


def rules(choices: Choices) -> list[tuple[str, Rule]]:
    found = list(RULES)
    if choices.videos:
        found += [(kind, convert_video) for kind in (COMBINE, *VIDEO_NODES)]
    if choices.prompts:
        found += [(kind, convert_prompts) for kind in PROMPT_NODES]
    return found


def convert(graph: Graph, plan: Plan, node: Node, rule: Rule) -> None:
    try:
        with plan.undo():
            if node.surplus:
                raise Stays(f"it holds {node.surplus} values more than any version that is known")
            rule(graph, plan, node)
    except Stays as reason:
        plan.kept[node.id] = str(reason)


def take_parts(graph: Graph, plan: Plan) -> None:
    """Parts go with what they were parts of. What a loader that stays needs, stays as well."""
    users = graph.users()
    outputs = {node.id: {o for o in users if o.node == node.id} for node in graph.nodes.values()}
    parts = [node for node in graph.nodes.values() if is_old(node.kind) and node.kind not in OWN]
    left = [node for node in parts if node.kind in OLD_NODES]
    while True:
        free = [
            node
            for node in left
            if all(user.node in plan.gone for o in outputs[node.id] for user in users[o])
        ]
        if not free:
            break
        for node in free:
            take(plan, node, bool(outputs[node.id]))
        left = [node for node in left if node.id not in plan.gone]
    for node in parts:
        if node.id not in plan.gone:
            plan.kept[node.id] = reason_of(
                graph, node, [u for o in outputs[node.id] for u in users[o]]
            )
    plan.disinherit()


def take(plan: Plan, node: Node, is_used: bool) -> None:
    plan.gone.add(node.id)
    if not is_used:
        plan.dead.add(node.id)


def reason_of(graph: Graph, node: Node, users: list[User]) -> str:
    if node.kind not in OLD_NODES:
        return "no public workflow was known to use it, and this pack has no rule for it"
    for user in users:
        if user.node == SUBGRAPH_OUTPUT:
            return f"it leaves the subgraph by the output {user.input}, for what is not known here"
    return BROKEN if "model" in node.wires else "a node that stays uses it"
