"""A plan put into a graph as ComfyUI's page saves it; what it does not touch stays as it is."""

from __future__ import annotations

from typing import Any

from .new_nodes import NEW_NODES, widget_values
from .page_edit import Edit
from .plan import Fresh, Place, Plan
from .virtual import Page
from .write_api import OLD_MARK, settled

LOOKS = ("pos", "flags", "color", "bgcolor", "shape")


def write_page(page: Page, plan: Plan) -> None:
    """Changes the content of the page."""
    edit = Edit(page)
    keys = {id(fresh): edit.add(node_of(page, edit, fresh), fresh.heir_of) for fresh in plan.fresh}
    for fresh in plan.fresh:
        join(edit, plan, fresh, keys)
    for old in plan.places:
        if old.node in plan.gone:
            edit.move_users(old, *ends(settled(old, plan), keys))
    edit.remove(plan.gone)
    edit.finish()


def node_of(page: Page, edit: Edit, fresh: Fresh) -> dict[str, Any]:
    """A node as the page saves it, without links."""
    old, new = page.nodes[fresh.heir_of or fresh.beside or ""], NEW_NODES[fresh.kind]
    node: dict[str, Any] = {"id": 0, "type": fresh.kind, "pos": [0, 0], "size": new.size}
    node |= {name: old[name] for name in LOOKS if name in old}
    if fresh.heir_of is None:
        node["pos"] = edit.free_place(old, new.size)
        node["flags"] = {}
    title = old.get("title")
    if fresh.heir_of and title and OLD_MARK not in title and title != old.get("type"):
        node["title"] = title
    sockets = {name: kind for name, kind, _ in new.inputs if name in new.sockets}
    return node | {
        "order": old.get("order", 0),
        "mode": fresh.mode,
        "inputs": [{"name": name, "type": kind, "link": None} for name, kind in sockets.items()],
        "outputs": [{"name": name, "type": kind, "links": []} for name, kind in new.outputs],
        "properties": {"Node name for S&R": fresh.kind},
        "widgets_values": widget_values(fresh.kind, fresh.values),
    }


def join(edit: Edit, plan: Plan, fresh: Fresh, keys: dict[int, str]) -> None:
    """Links into a node that comes. A widget with a link gets a socket, as on the page."""
    new, key = NEW_NODES[fresh.kind], keys[id(fresh)]
    for name, kind in new.types.items():
        wire = fresh.wires.get(name)
        if wire is None:
            continue
        inputs = edit.fresh[key]["inputs"]
        if name not in new.sockets:
            inputs.append({"name": name, "type": kind, "link": None, "widget": {"name": name}})
        place = Place(wire) if isinstance(wire, Fresh) else settled(wire, plan)
        edit.link(*ends(place, keys), key, [entry["name"] for entry in inputs].index(name), kind)


def ends(place: Place, keys: dict[int, str]) -> tuple[str, int]:
    node = place.node
    return (keys[id(node)] if isinstance(node, Fresh) else node.node), place.slot
