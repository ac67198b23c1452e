"""The table of old nodes is what the old pack said of them."""

from __future__ import annotations

from typing import Any

import pytest
from adk_tests.nodes.evolved.facts import FACTS, FILE, FIRST, LIST, SOCKET
from animatediff_kit.conversion.old_nodes import OLD_NODES

LINKED_ALONE = {"seed_override"}
"""Inputs that today are sockets and that early pages saved as widgets."""


def default(name: str, told: Any) -> Any:
    return None if told is FILE else FIRST[name] if told is LIST else told


@pytest.mark.parametrize("kind", FACTS)
def test_widgets_and_outputs(kind: str) -> None:
    required, optional, outputs = FACTS[kind]
    old, told = OLD_NODES[kind], (*required, *optional)
    widgets = [(name, value) for name, _, value in told if value is not SOCKET]
    widgets = [(name, value) for name, value in widgets if name not in LINKED_ALONE]
    assert list(old.widgets) == [name for name, _ in widgets]
    assert old.widgets == {name: default(name, value) for name, value in widgets}
    assert list(old.outputs) == [type_ for type_, _ in outputs]


def test_no_id_is_missing() -> None:
    assert set(OLD_NODES) == set(FACTS)
