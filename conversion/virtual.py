"""Links that the page alone knows: reroutes, primitives, Get and Set, bypassed and muted nodes, and
the links that Anything Everywhere makes when a workflow runs.

A link is what an input names; `links` may hold others, which the page left behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .graph import BYPASSED, MUTED, SUBGRAPH_INPUT, Origin, Wire
from .old_nodes import is_old

REROUTES = ("Reroute", "Reroute (rgthree)")
PRIMITIVE = "PrimitiveNode"
SETTERS = ("SetNode", "easy setNode")
GETTERS = ("GetNode", "easy getNode")
NOTES = ("Note", "MarkdownNote", "Note Plus (mtb)", "Label (rgthree)")
EVERYWHERE = ("Anything Everywhere", "Anything Everywhere3", "Anything Everywhere?")
OTHERS_EVERYWHERE = ("Prompts Everywhere", "Seed Everywhere")  # of conds and seeds alone
SWITCHES = ("Fast Groups Muter (rgthree)", "Fast Groups Bypasser (rgthree)")
PAGE_ONLY = {
    *REROUTES,
    PRIMITIVE,
    *SETTERS,
    *GETTERS,
    *NOTES,
    *SWITCHES,
    *EVERYWHERE,
    *OTHERS_EVERYWHERE,
}
PASSING = {*REROUTES, *SETTERS, *GETTERS}


class Link:
    """A link of the file: a list in a workflow, an object in a subgraph."""

    NAMES = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")

    def __init__(self, saved: Any) -> None:
        self.saved = saved

    def __getitem__(self, name: str) -> Any:
        if isinstance(self.saved, dict):
            return self.saved.get(name)
        place = self.NAMES.index(name)
        return self.saved[place] if place < len(self.saved) else None

    def __setitem__(self, name: str, value: Any) -> None:
        self.saved[name if isinstance(self.saved, dict) else self.NAMES.index(name)] = value

    @property
    def origin(self) -> Origin:
        return Origin(str(self["origin_id"]), int(self["origin_slot"]))


class Page:
    """One graph of a saved workflow: the workflow itself, or the definition of a subgraph."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.nodes: dict[str, dict[str, Any]] = {
            str(node["id"]): node for node in content["nodes"] if isinstance(node, dict)
        }
        found = (Link(saved) for saved in content.get("links") or [] if saved)
        self.links = {int(link["id"]): link for link in found}
        self.setters = {name_of(node): node for node in self.of_kind(*SETTERS)}
        self.told = {
            (str(link.get("downstream")), link.get("downstream_slot")): Origin(
                str(link.get("upstream")), int(link.get("upstream_slot") or 0)
            )
            for link in (content.get("extra") or {}).get("ue_links") or []
        }

    def of_kind(self, *kinds: str) -> Iterator[dict[str, Any]]:
        return (node for node in self.nodes.values() if node.get("type") in kinds)

    def tap_of(self, node: dict[str, Any], slot: dict[str, Any], told: bool) -> Origin | None:
        """The output that an input hangs on; with `told` also by links that a run alone has."""
        tap = self.tap(slot)
        return self.everywhere(node, slot) if tap is None and told and "widget" not in slot else tap

    def near(self, tap: Origin) -> Origin | None:
        """The output behind reroutes and the like, and behind bypassed nodes of others."""
        return self.behind(tap, bypassed=False)

    def wire(self, tap: Origin) -> Wire | None:
        """What an output gives in a run; None where that is nothing."""
        origin = self.behind(tap, bypassed=True)
        if origin is None:
            return None
        made = self.nodes.get(origin.node, {})
        if made.get("type") != PRIMITIVE:
            return Wire(tap, origin)
        values = made.get("widgets_values")
        return Wire(tap, None, values[0]) if isinstance(values, list) and values else None

    def tap(self, slot: dict[str, Any]) -> Origin | None:
        """The output that an input's own link names."""
        link = self.links.get(slot["link"]) if isinstance(slot.get("link"), int) else None
        if link is None:
            return None
        known = link.origin.node == SUBGRAPH_INPUT or link.origin.node in self.nodes
        return link.origin if known else None

    def behind(self, origin: Origin, bypassed: bool) -> Origin | None:
        """Follows an output upstream through nodes that hand a value on; with `bypassed` through
        the old pack's own too, as a run does. None where it ends."""
        seen: set[Origin] = set()
        while origin not in seen:
            seen.add(origin)
            node = self.nodes.get(origin.node)
            if node is None:
                return origin if origin.node == SUBGRAPH_INPUT else None
            mode = node.get("mode") or 0
            if mode == MUTED and bypassed:
                return None
            if node.get("type") in PASSING:
                before = self.handed_on(node)
            elif mode == BYPASSED and (bypassed or not is_old(str(node.get("type")))):
                before = self.past_bypassed(node, origin.slot)
            else:
                return origin
            if before is None:
                return None
            origin = before
        return None

    def handed_on(self, node: dict[str, Any]) -> Origin | None:
        """What a reroute, a Get or a Set hands on."""
        if node.get("type") in GETTERS:
            found = self.setters.get(name_of(node))
            if found is None or (found.get("mode") or 0) == MUTED:
                return None
            node = found
        inputs = node.get("inputs") or []
        return self.tap(inputs[0]) if inputs else None

    def past_bypassed(self, node: dict[str, Any], slot: int) -> Origin | None:
        """What a bypassed node hands on: the input at its place if the types agree, else the first
        input of the output's type."""
        outputs, inputs = node.get("outputs") or [], node.get("inputs") or []
        wanted = str(outputs[slot].get("type")) if slot < len(outputs) else "*"
        same = [entry for entry in inputs if str(entry.get("type")) == wanted]
        if slot < len(inputs) and str(inputs[slot].get("type")) == wanted:
            same.insert(0, inputs[slot])
        return self.tap(same[0]) if same else None

    def everywhere(self, node: dict[str, Any], slot: dict[str, Any]) -> Origin | None:
        """What Anything Everywhere sends to an input that has no link of its own."""
        place = (node.get("inputs") or []).index(slot)
        if (str(node["id"]), place) in self.told:
            return self.told[str(node["id"]), place]
        found = [*self.sent(node, slot, "Anything Everywhere?"), *self.sent(node, slot)]
        return found[0] if found else None

    def sent(self, node: dict[str, Any], slot: dict[str, Any], *kinds: str) -> Iterator[Origin]:
        for sender in self.of_kind(*(kinds or EVERYWHERE[:2])):
            if sender.get("mode") in (MUTED, BYPASSED) or sender["id"] == node["id"]:
                continue
            if kinds and not asks_for(sender, node, slot):
                continue
            for entry in sender.get("inputs") or []:
                tap = self.tap(entry)
                if tap is None or tap.node == str(node["id"]):
                    continue
                if self.links[entry["link"]]["type"] == slot.get("type"):
                    yield tap


def asks_for(sender: dict[str, Any], node: dict[str, Any], slot: dict[str, Any]) -> bool:
    """Whether the patterns of Anything Everywhere? name a node's title and an input."""
    values = [str(value) for value in sender.get("widgets_values") or []]
    title, name = (*values, ".*", ".*")[:2]
    shown = str(node.get("title") or node.get("type"))
    try:
        return bool(re.match(title, shown) and re.match(name, str(slot.get("name"))))
    except re.error:
        return False


def name_of(node: dict[str, Any]) -> str:
    """The name of a Get or Set."""
    values = node.get("widgets_values")
    return str(values[0]) if isinstance(values, list) and values else ""
