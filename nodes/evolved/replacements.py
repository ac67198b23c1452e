"""Ids of AnimateDiff-Evolved that are no nodes here, and the node that takes the place of one.

ComfyUI (0.14 and newer) replaces a node that has no class by another, on its page and in a prompt:
one node by one, whose sockets fit. The ids that public workflows hold are nodes here themselves, so
that ComfyUI never replaces them; these are the others for which one of those is a full equal.

Of a prompt ComfyUI reads `_meta` and every mapped input without asking whether they are there. So
they are put in before it does, by a handler of prompts, which is core's own hook. The same handler
gives inputs that once had other names their names of today, since ComfyUI refuses prompts that lack
these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy_api.latest
from comfy_api.latest import io

from ..prompt_server import prompt_server
from .inputs import CORE


@dataclass(frozen=True)
class Replacement:
    """`inputs` are old input -> (new input, what it is where a prompt leaves it out)."""

    old: str
    new: str
    inputs: dict[str, tuple[str, Any]]
    widgets: tuple[str, ...]
    """The old node's widgets, in saved order."""


REPLACEMENTS = (
    Replacement(
        "ADE_MultivalDynamicFloatInput",
        "ADE_MultivalDynamic",
        {"float_val": ("float_val", 1.0), "mask_optional": ("mask_optional", None)},
        (),
    ),
    Replacement(
        "ADE_AnimateDiffModelSettings_Release",
        "ADE_AnimateDiffModelSettingsSimple",
        {
            "min_motion_scale": ("min_motion_scale", 1.0),
            "max_motion_scale": ("max_motion_scale", 1.0),
            "mask_motion_scale": ("mask_motion_scale", None),
        },
        ("min_motion_scale", "max_motion_scale"),
    ),
)


RENAMED = {"ADE_AnimateDiffLoRALoader": {"lora_name": "name"}}
"""Node -> inputs by the names that old prompts have -> by those of today."""

BY_ID = {replacement.old: replacement for replacement in REPLACEMENTS}


def can_replace() -> bool:
    """Whether this ComfyUI replaces nodes."""
    return hasattr(io, "NodeReplace") and hasattr(comfy_api.latest, "ComfyAPI")


async def register_replacements() -> None:
    """Tells ComfyUI of all; nothing where it cannot replace. Where the other pack is there, its
    nodes have classes, and ComfyUI replaces none."""
    if not can_replace():
        return
    api: Any = comfy_api.latest.ComfyAPI()
    for replacement in REPLACEMENTS:
        await api.node_replacement.register(as_core_has_it(replacement))


def complete_prompts() -> None:
    """Put the handler of prompts into ComfyUI's server, once; nothing where none runs."""
    server = prompt_server()
    if server is not None and completed not in server.on_prompt_handlers:
        server.add_on_prompt_handler(completed)


def as_core_has_it(replacement: Replacement) -> Any:
    mapped = [{"new_id": new, "old_id": old} for old, (new, _) in replacement.inputs.items()]
    return io.NodeReplace(  # pyright: ignore[reportAttributeAccessIssue]
        new_node_id=replacement.new,
        old_node_id=replacement.old,
        old_widget_ids=list(replacement.widgets),
        input_mapping=mapped,
        output_mapping=[{"new_idx": 0, "old_idx": 0}],
    )


def completed(posted: dict[str, Any]) -> dict[str, Any]:
    """What was posted, its replaceable nodes with all that ComfyUI reads of them, and inputs by
    their names of today."""
    prompt = posted.get("prompt")
    if not isinstance(prompt, dict):
        return posted
    changed = {
        key: with_everything(node, BY_ID[node["class_type"]])
        for key, node in prompt.items()
        if isinstance(node, dict) and is_replaced(node.get("class_type"))
    }
    changed |= {key: renamed(node) for key, node in prompt.items() if has_old_names(node)}
    return {**posted, "prompt": {**prompt, **changed}} if changed else posted


def has_old_names(node: Any) -> bool:
    if not isinstance(node, dict) or not isinstance(node.get("class_type"), str):
        return False
    inputs, names = node.get("inputs"), RENAMED.get(node["class_type"], {})
    return isinstance(inputs, dict) and any(
        old in inputs and new not in inputs for old, new in names.items()
    )


def renamed(node: dict[str, Any]) -> dict[str, Any]:
    names = RENAMED[node["class_type"]]
    return {**node, "inputs": {names.get(key, key): v for key, v in node["inputs"].items()}}


def is_replaced(kind: Any) -> bool:
    return isinstance(kind, str) and kind in BY_ID and kind not in CORE.NODE_CLASS_MAPPINGS


def with_everything(node: dict[str, Any], replacement: Replacement) -> dict[str, Any]:
    left_out = {old: default for old, (_, default) in replacement.inputs.items()}
    return {"_meta": {}, **node, "inputs": {**left_out, **(node.get("inputs") or {})}}
