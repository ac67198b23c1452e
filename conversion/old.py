"""What a conversion knows of an old node."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Old:
    """`widgets` are name -> default of the page, in saved order. `api` has what the node's function
    takes for an input that a prompt leaves out, where that is another value. `shapes` has the names
    of arrays that are no beginning of `widgets`; `before` what the values meant that an array of an
    earlier version lacks."""

    widgets: dict[str, Any]
    outputs: tuple[str, ...]
    api: dict[str, Any] = field(default_factory=dict)
    shapes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    other_names: dict[str, str] = field(default_factory=dict)

    def default(self, name: str, of_api: bool) -> Any:
        return {**self.widgets, **(self.api if of_api else self.before)}[name]
