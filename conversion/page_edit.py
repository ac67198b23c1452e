"""Changes to a graph as the page saves it: nodes and links come and go, and both ends of every
link, a subgraph's own ends among them, keep telling the same."""

from __future__ import annotations

from typing import Any

from .graph import SUBGRAPH_INPUT, SUBGRAPH_OUTPUT, Origin
from .virtual import Link, Page
from .virtual_left import is_lost

GAP = 40


class Edit:
    """`fresh` are nodes that come, by keys of their own: an heir has the id of a node that goes,
    and takes it when `finish` writes the content."""

    def __init__(self, page: Page) -> None:
        self.page, self.content = page, page.content
        self.fresh: dict[str, dict[str, Any]] = {}
        self.heirs: dict[str, str] = {}
        self.gone: set[str] = set()
        self.dropped: set[int] = set()
        self.changed: set[int] = set()
        self._node = self._highest("last_node_id", "lastNodeId", page.nodes)
        self._link = self._highest("last_link_id", "lastLinkId", page.links)
        self._stack: dict[str, float] = {}

    def _highest(self, name: str, in_state: str, found: Any) -> int:
        told = self.content.get(name) or (self.content.get("state") or {}).get(in_state) or 0
        return max(int(told), 0, *(int(key) for key in found if is_number(key)))

    def add(self, node: dict[str, Any], heir_of: str | None) -> str:
        """A node that comes; its key."""
        key = f"new {len(self.fresh)}"
        self.fresh[key] = node
        if heir_of is not None:
            self.heirs[heir_of] = key
        return key

    def free_place(self, old: dict[str, Any], size: list[int]) -> list[float]:
        """Above a node, and above what was put there before."""
        x, y = pair(old.get("pos"))
        key = str(old["id"])
        self._stack[key] = self._stack.get(key, 0.0) + size[1] + GAP
        return [x, y - self._stack[key]]

    def link(self, node: str, slot: int, target: str, place: int, kind: str) -> None:
        """A new link to an input of a node that comes."""
        self._link += 1
        values = [self._link, id_of(node), slot, target, place, kind]
        of_subgraph = "state" in self.content
        as_object = of_subgraph or any(isinstance(x.saved, dict) for x in self.page.links.values())
        saved = dict(zip(Link.NAMES, values, strict=True)) if as_object else values
        self.page.links[self._link] = Link(saved)
        self.fresh[target]["inputs"][place]["link"] = self._link
        self.changed.add(self._link)

    def move_users(self, old: Origin, node: str, slot: int) -> None:
        """Hangs what takes an old output on another."""
        for key, link in self.page.links.items():
            if key not in self.changed and link.origin == old and self._is_named(key, link):
                link["origin_id"], link["origin_slot"] = id_of(node), slot
                self.changed.add(key)

    def _is_named(self, key: int, link: Link) -> bool:
        """Whether the input at a link's end names it, or it leaves a subgraph."""
        target = self.page.nodes.get(str(link["target_id"]))
        if target is None:
            return str(link["target_id"]) == SUBGRAPH_OUTPUT
        return any(slot.get("link") == key for slot in target.get("inputs") or [])

    def remove(self, gone: set[str]) -> None:
        """Takes nodes out, then the reroutes and the like that carried for them alone."""
        lost = set(gone)
        while lost:
            self.gone |= lost
            for key, link in list(self.page.links.items()):
                if link.origin.node in self.gone or str(link["target_id"]) in self.gone:
                    del self.page.links[key]
                    self.dropped.add(key)
            left = [key for key in self.page.nodes if key not in self.gone]
            lost = {key for key in left if is_lost(self.page, key, self.gone, self.dropped)}

    def finish(self) -> None:
        """Writes nodes, links and both their ends into the content."""
        ids = {key: self._id_for(key) for key in self.fresh}
        for link in self.page.links.values():
            for end in ("origin_id", "target_id"):
                link[end] = ids.get(str(link[end]), link[end])
        self.content["nodes"] = self._placed(ids)
        self.content["links"] = [link.saved for link in self.page.links.values()]
        self._write_ends()
        self._write_counters()

    def _id_for(self, key: str) -> Any:
        for old, heir in self.heirs.items():
            if heir == key:
                return self.page.nodes[old]["id"]
        self._node += 1
        return self._node

    def _placed(self, ids: dict[str, Any]) -> list[dict[str, Any]]:
        """All nodes: heirs where the old ones stood, the others at the end."""
        for key, node in self.fresh.items():
            node["id"] = ids[key]
        placed = []
        for node in self.content["nodes"]:
            key = str(node["id"])
            if key in self.heirs:
                placed.append(self.fresh[self.heirs[key]])
            elif key not in self.gone:
                placed.append(node)
        heirs = set(self.heirs.values())
        return [*placed, *(node for key, node in self.fresh.items() if key not in heirs)]

    def _write_ends(self) -> None:
        nodes = {str(node["id"]): node for node in self.content["nodes"]}
        for node in nodes.values():
            for slot in node.get("inputs") or []:
                if slot.get("link") in self.dropped:
                    slot["link"] = None
            for at, slot in enumerate(node.get("outputs") or []):
                slot["links"] = self._links_of(Origin(str(node["id"]), at), slot.get("links"))
        if "state" in self.content:
            self._write_subgraph_ends()

    def _links_of(self, origin: Origin, before: Any) -> Any:
        kept = [key for key in before or [] if key in self.page.links]
        kept = [key for key in kept if self.page.links[key].origin == origin]
        news = [key for key in sorted(self.changed) if key in self.page.links]
        more = [key for key in news if self.page.links[key].origin == origin and key not in kept]
        return [*kept, *more] if kept or more or before else before

    def _write_subgraph_ends(self) -> None:
        for at, slot in enumerate(self.content.get("inputs") or []):
            slot["linkIds"] = self._links_of(Origin(SUBGRAPH_INPUT, at), slot.get("linkIds")) or []
        for slot in self.content.get("outputs") or []:
            slot["linkIds"] = [key for key in slot.get("linkIds") or [] if key in self.page.links]

    def _write_counters(self) -> None:
        if "state" in self.content:
            self.content["state"] |= {"lastNodeId": self._node, "lastLinkId": self._link}
        else:
            self.content |= {"last_node_id": self._node, "last_link_id": self._link}


def is_number(key: Any) -> bool:
    return str(key).isdecimal()


def id_of(node: str) -> int | str:
    """An id as the page writes it."""
    return int(node) if node.lstrip("-").isdecimal() else node


def pair(pos: Any) -> tuple[float, float]:
    """A place: a list, or an object with the keys "0" and "1"."""
    if isinstance(pos, dict):
        pos = [pos.get("0", 0), pos.get("1", 0)]
    return (float(pos[0]), float(pos[1])) if pos else (0.0, 0.0)
