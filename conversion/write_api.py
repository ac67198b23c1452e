"""A plan put into a prompt: what stays, stays as it was written."""

from __future__ import annotations

import copy
from typing import Any

from .graph import Origin
from .new_nodes import NEW_NODES
from .plan import Fresh, Place, Plan
from .read_api import is_link, is_node, link_of

OLD_MARK = "\N{NEGATIVE CIRCLED LATIN CAPITAL LETTER A}"
"""The display names of the old pack carry it; a title with it is nobody's own."""


def write_prompt(prompt: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """The converted prompt. A node that takes an old one's place has its key and its place."""
    heirs = {fresh.heir_of: fresh for fresh in plan.fresh if fresh.heir_of}
    keys = keys_of(prompt, plan)
    written: dict[str, Any] = {}
    for key, entry in prompt.items():
        if key in heirs:
            written[key] = entry_of(heirs[key], entry, plan, keys)
        elif key not in plan.gone:
            written[key] = kept(entry, plan, keys) if is_node(entry) else entry
    for fresh in plan.fresh:
        if not fresh.heir_of:
            written[keys[id(fresh)]] = entry_of(fresh, prompt[fresh.beside or ""], plan, keys)
    return written


def keys_of(prompt: dict[str, Any], plan: Plan) -> dict[int, str]:
    """The key of each node that comes; numbers above all that there are."""
    highest = max((int(key) for key in prompt if str(key).isdecimal()), default=0)
    keys: dict[int, str] = {}
    for fresh in plan.fresh:
        if fresh.heir_of:
            keys[id(fresh)] = fresh.heir_of
        else:
            highest += 1
            keys[id(fresh)] = str(highest)
    return keys


def entry_of(fresh: Fresh, old: dict[str, Any], plan: Plan, keys: dict[int, str]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for name in NEW_NODES[fresh.kind].types:
        wire = fresh.wires.get(name)
        if isinstance(wire, Fresh):
            inputs[name] = [keys[id(wire)], 0]
        elif wire is not None:
            inputs[name] = written_link(wire, plan, keys)
        elif name in NEW_NODES[fresh.kind].widgets:
            inputs[name] = fresh.values.get(name, NEW_NODES[fresh.kind].widgets[name])
    entry: dict[str, Any] = {"inputs": inputs, "class_type": fresh.kind}
    title = (old.get("_meta") or {}).get("title")
    if title is not None:
        own = bool(fresh.heir_of) and OLD_MARK not in str(title)
        entry["_meta"] = {"title": title if own else NEW_NODES[fresh.kind].title}
    return entry


def kept(entry: dict[str, Any], plan: Plan, keys: dict[int, str]) -> dict[str, Any]:
    entry = copy.deepcopy(entry)
    inputs = entry.get("inputs") or {}
    for name, value in list(inputs.items()):
        if is_link(value):
            origin = link_of(value)
            if origin in plan.places:
                inputs[name] = written_link(origin, plan, keys)
            elif origin.node in plan.gone:
                del inputs[name]
    return entry


def written_link(origin: Origin, plan: Plan, keys: dict[int, str]) -> list[Any]:
    place = settled(origin, plan)
    node = place.node
    return [keys[id(node)] if isinstance(node, Fresh) else node.node, place.slot]


def settled(origin: Origin, plan: Plan) -> Place:
    """The output that stands where an old one stood, in the end."""
    place = Place(origin, origin.slot)
    while isinstance(place.node, Origin) and place.node in plan.places:
        place = plan.places[place.node]
    return place
