"""Whether a value fits an input of a node, as `/object_info` describes it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

Spec = list[Any]
"""[kind or list of choices, options], as the server gives it."""


def inputs_of(info: dict[str, Any]) -> Iterator[tuple[str, Spec]]:
    """(name, spec) of every input of a class, those of choices that bring inputs among them."""
    for section in ("required", "optional"):
        for name, spec in (info["input"].get(section) or {}).items():
            yield name, spec
            if spec[0] == "COMFY_DYNAMICCOMBO_V3":
                for option in spec[1]["options"]:
                    for inner, found in inputs_of({"input": option["inputs"]}):
                        yield f"{name}.{inner}", found


def fitting(spec: Spec, value: Any, text: bool) -> Any:
    """The value as the server takes it. text: it is a cell of CSV, and may stand for a number.

    Raises ValueError with what it must be.
    """
    kind, options = spec[0], spec[1] if len(spec) > 1 else {}
    choices = choices_of(kind, options)
    if choices is not None:
        return choice(choices, value, text)
    check = CHECKS.get(kind)
    if check is None:
        raise ValueError(f"it is a socket for {kind}, which takes no value but a link")
    if options.get("forceInput"):
        raise ValueError("it takes a link alone, no value")
    return check(number_or_truth(value) if text and kind != "STRING" else value, options)


def choices_of(kind: Any, options: dict[str, Any]) -> list[Any] | None:
    """What may be chosen; None where it is no choice."""
    if isinstance(kind, list):
        return kind
    if kind == "COMFY_DYNAMICCOMBO_V3":
        return [option["key"] for option in options["options"]]
    return options.get("options", []) if kind == "COMBO" else None


def choice(choices: list[Any], value: Any, text: bool) -> Any:
    """One of them; any text where the server names none, as where the page asks for them."""
    for known in choices:
        if known == value or (text and str(known) == value):
            return known
    if not choices and isinstance(value, str):
        return value
    shown = ", ".join(map(repr, choices[:8])) + (", ..." if len(choices) > 8 else "")
    raise ValueError(f"it must be one of {shown}")


def number_or_truth(value: str) -> Any:
    """What a cell of CSV holds."""
    try:
        return json.loads(value.strip().lower())
    except ValueError:
        return value


def whole(value: Any, options: dict[str, Any]) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("it must be a whole number")
    return in_bounds(value, options)


def number(value: Any, options: dict[str, Any]) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("it must be a number")
    return in_bounds(value, options)


def in_bounds(value: Any, options: dict[str, Any]) -> Any:
    least, most = options.get("min"), options.get("max")
    if (least is not None and value < least) or (most is not None and value > most):
        raise ValueError(f"it must be from {least} to {most}")
    return value


def truth(value: Any, options: dict[str, Any]) -> bool:
    if not isinstance(value, bool):
        raise ValueError("it must be true or false")
    return value


def words(value: Any, options: dict[str, Any]) -> str:
    if not isinstance(value, str):
        raise ValueError("it must be a text")
    return value


CHECKS = {"INT": whole, "FLOAT": number, "BOOLEAN": truth, "STRING": words}
