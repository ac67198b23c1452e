"""What people are told of a conversion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .graph import Graph
from .new_nodes import NEW_NODES
from .old_nodes import is_old
from .plan import Plan

CORE = Path(__file__).parent / "core_nodes.txt"
"""Ids of the nodes of ComfyUI 0.3.75 to 0.33, one a line."""

OURS = "ADK_"


@dataclass
class Report:
    """`lines_of` each graph of a file: the workflow, and the insides of its subgraphs."""

    converted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    def add(self, graph: Graph, plan: Plan, where: str = "") -> None:
        kinds = {node.id: node.kind for node in graph.nodes.values()}
        for key, kind in kinds.items():
            if key in plan.gone:
                self.converted.append(f"{where}{key} {kind}{became(key, plan)}")
        self.kept += [f"{where}{key} {kinds[key]}: {why}." for key, why in plan.kept.items()]
        self.notes += [f"{where}{key} {kinds[key]}: {text}." for key, text in plan.notes]
        left = (node.kind for node in graph.nodes.values() if node.id not in plan.gone)
        self.others.update(kind for kind in left if is_others(kind))

    def text(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        yield from section("Converted", self.converted)
        yield from section("Stays as it is", self.kept)
        yield from section("Not kept, or changed", self.notes)
        packs = [f"{kind} ({count})" for kind, count in sorted(self.others.items())]
        yield from section("Needs other packs", packs)
        yield from self.warnings
        if not self.converted and not self.kept:
            yield "Nothing of AnimateDiff-Evolved is in it."


def became(key: str, plan: Plan) -> str:
    """What stands where a node stood."""
    made = [fresh.kind for fresh in plan.fresh if key in (fresh.heir_of, fresh.beside)]
    if made:
        return f" -> {', '.join(made)}"
    return ", left out: it led nowhere" if key in plan.dead else ", in what used it"


def section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from (f"  {line}" for line in lines)


def is_others(kind: str) -> bool:
    """Whether a node is neither ComfyUI's, nor this pack's, nor of the old one."""
    return not (kind in core_nodes() or kind in NEW_NODES or kind.startswith(OURS) or is_old(kind))


@cache
def core_nodes() -> frozenset[str]:
    return frozenset(CORE.read_text(encoding="utf-8").split("\n"))
