"""The widget values of an old node by name, out of an array of any length that was ever saved, an
object, or a prompt's inputs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .old import Old

CONTROLS = ("fixed", "increment", "decrement", "randomize")


def named(old: Old, saved: Any) -> tuple[dict[str, Any], int]:
    """(values by name, how many saved values have no name) of `widgets_values` as a page saved
    them. What an earlier version lacks takes what that version did."""
    if isinstance(saved, dict):
        given = by_name(old, saved)
        return {name: given.get(name, old.default(name, False)) for name in old.widgets}, 0
    values = without_surplus(old, list(saved or []))
    names = old.shapes.get(len(values), tuple(old.widgets))
    given = dict(zip(names, values, strict=False))
    kept = {name: given.get(name, old.default(name, False)) for name in old.widgets}
    return kept, max(0, len(values) - len(names))


def of_prompt(old: Old, inputs: dict[str, Any]) -> dict[str, Any]:
    """Values by name of a prompt's inputs; what it leaves out takes the node function's default."""
    given = by_name(old, inputs)
    return {name: given.get(name, old.default(name, True)) for name in old.widgets}


def by_name(old: Old, given: dict[str, Any]) -> dict[str, Any]:
    return {old.other_names.get(name, name): value for name, value in given.items()}


def without_surplus(old: Old, values: list[Any]) -> list[Any]:
    """Without what pages saved behind the last widget: an empty text, or a preview's address."""
    while len(values) > shortest(old) and is_surplus(values[-1]):
        if len(values) <= len(old.widgets) and is_text(last_name(old, len(values)), old):
            break
        values = values[:-1]
    return values


def shortest(old: Old) -> int:
    return min((len(old.widgets), *old.shapes)) if old.shapes else 0


def is_surplus(value: Any) -> bool:
    return value == "" or (isinstance(value, str) and value.startswith(("/view?", "/api/view?")))


def last_name(old: Old, count: int) -> str:
    return list(old.widgets)[count - 1]


def is_text(name: str, old: Old) -> bool:
    return isinstance(old.widgets[name], str)


def numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(value, (int, float)) for value in values)
