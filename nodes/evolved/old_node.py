"""An old node as data, and the class that ComfyUI wants of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from comfy_api.latest import io

from ...motion_models.last_loaded import keep_for
from ..schema import CATEGORY, schema

Check = Callable[[Any], bool | str]


@dataclass(frozen=True)
class OldNode:
    """One id of AnimateDiff-Evolved.

    inputs: makes the inputs, with the names, order, types and defaults that it has there;
    outputs: (socket type, name); run: takes the inputs by name, and whatever else a prompt holds,
    and gives the outputs; what a prompt leaves out takes the defaults of `run`, which are those of
    the old function, and may be others than the widgets'. checks: of values, before the graph runs.
    """

    id: str
    title: str
    inputs: Callable[[], list[Any]]
    outputs: tuple[tuple[str, str], ...]
    run: Callable[..., tuple[Any, ...]]
    checks: tuple[tuple[str, Check], ...] = ()
    loads: bool = False
    is_output: bool = False


def what_is_wrong_in(inputs: list[Any], given: dict[str, Any]) -> str:
    """Values that no version of the old pack can have saved: of a list what is no text, of a number
    what is none. Empty where there are none."""
    for widget in inputs:
        value, kind = given.get(widget.id), widget.get_io_type()
        if kind == "COMBO" and not isinstance(value, str | None):
            return f"{repr(value)[:80]} is no {widget.id}; choose one from its list."
        if kind in ("FLOAT", "INT") and isinstance(value, float) and not math.isfinite(value):
            return f"{widget.id} is {value}; give a number."
    return ""


def node_of(old: OldNode) -> type[io.ComfyNode]:
    """The node of ComfyUI's: deprecated, so that no menu and no search offers it."""

    class Node(io.ComfyNode):
        def __init__(self) -> None:
            super().__init__()
            if old.loads:
                keep_for(self)

        @classmethod
        def define_schema(cls) -> io.Schema:
            return schema(
                node_id=old.id,
                display_name=old.title,
                category=f"{CATEGORY}/AnimateDiff-Evolved",
                description="A node of AnimateDiff-Evolved, so that its workflows run with this "
                "pack. New workflows take this pack's own nodes.",
                is_deprecated=True,
                is_output_node=old.is_output,
                inputs=old.inputs(),
                outputs=[
                    io.Custom(kind).Output(f"out_{place}", display_name=name)
                    for place, (kind, name) in enumerate(old.outputs)
                ],
                hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            )

        @classmethod
        def validate_inputs(cls, **given: Any) -> bool | str:
            """The old limits of numbers and lists are left out: saved values lie outside them."""
            if wrong := what_is_wrong_in(old.inputs(), given):
                return wrong
            for name, check in old.checks:
                if given.get(name) is not None and (found := check(given[name])) is not True:
                    return found
            return True

        @classmethod
        def execute(cls, **given: Any) -> io.NodeOutput:
            if wrong := what_is_wrong_in(old.inputs(), given):
                raise ValueError(wrong)
            if old.is_output:
                given["node"] = cls
            results = old.run(**given)
            return results if isinstance(results, io.NodeOutput) else io.NodeOutput(*results)

    Node.__name__ = Node.__qualname__ = f"Old_{old.id}"
    return Node
