"""Which reroutes, primitives, Gets and Sets have nothing left to carry."""

from __future__ import annotations

from typing import Any

from .virtual import EVERYWHERE, GETTERS, PASSING, PRIMITIVE, SETTERS, Page, name_of


def is_lost(page: Page, key: str, gone: set[str], dropped: set[int]) -> bool:
    """Whether a node of the page alone has lost what it carried: `gone` are nodes that go,
    `dropped` links. What never carried anything stays."""
    node = page.nodes[key]
    kind = node.get("type")
    if kind not in (*PASSING, *EVERYWHERE, PRIMITIVE):
        return False
    came = [slot["link"] for slot in node.get("inputs") or [] if slot.get("link") is not None]
    went = [link for slot in node.get("outputs") or [] for link in slot.get("links") or []]
    if came and dropped.issuperset(came):
        return True
    if any(link.origin.node == key for link in page.links.values()):
        return False
    if kind in GETTERS and setter_is_gone(page, node, gone):
        return True
    if kind in SETTERS:
        return dropped.issuperset(went) and getters_are_gone(page, node, gone)
    return bool(went) and dropped.issuperset(went)


def setter_is_gone(page: Page, node: dict[str, Any], gone: set[str]) -> bool:
    setter = page.setters.get(name_of(node))
    return setter is not None and str(setter["id"]) in gone


def getters_are_gone(page: Page, node: dict[str, Any], gone: set[str]) -> bool:
    named = [str(n["id"]) for n in page.of_kind(*GETTERS) if name_of(n) == name_of(node)]
    return bool(named) and gone.issuperset(named)
