"""Turns a workflow as ComfyUI's page saves it into the graph that `POST /prompt` takes.

The saved format stores widget values by position and leaves their names to the page; the names and
their order come from the server's `/object_info`. Text is taken as it stands: the page's random
choice `{a|b}` is not played.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import LauncherError
from .client import Prompt
from .subgraphs import BYPASSED, MUTED, Constant, Node, Origin, Source, open_up

PAGE_ONLY = ("Note", "MarkdownNote", "Reroute", "PrimitiveNode")  # kinds the server has no class of
WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
SEEDS = ("seed", "noise_seed")
CONTROLS = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
UPLOADS = ("image_upload", "video_upload", "animated_image_upload")

Info = dict[str, Any]


def load(path: Path) -> dict[str, Any]:
    """A workflow file's content. Raises `LauncherError` when it is not JSON or no workflow."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LauncherError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise LauncherError(f"{path} is not JSON ({error}); give a workflow file.") from None
    if not is_saved(content) and not is_prompt(content):
        raise LauncherError(
            f"{path} holds no workflow: neither `nodes` as the page saves them nor nodes with "
            "`class_type` as the API takes them."
        )
    return content


def is_saved(content: Any) -> bool:
    """Whether this is a workflow as the page saves it."""
    return isinstance(content, dict) and isinstance(content.get("nodes"), list)


def is_prompt(content: Any) -> bool:
    """Whether this is a graph in the API format."""
    if not isinstance(content, dict) or not content:
        return False
    return all(isinstance(node, dict) and "class_type" in node for node in content.values())


def to_prompt(content: dict[str, Any], object_info: Info) -> Prompt:
    """The API format of a workflow in either format.

    Bypassed nodes hand their inputs on, muted nodes and what hangs on them are left out, reroutes
    and primitives are followed, subgraphs are opened. Raises `LauncherError` for a class that the
    server does not know.
    """
    if not is_saved(content):
        return content
    nodes = open_up(content)
    active = [node for node in nodes.values() if _is_sent(node)]
    unknown = [node for node in active if node.kind not in object_info]
    if unknown:
        names = ", ".join(f"{node.id} ({node.kind})" for node in unknown)
        raise LauncherError(
            f"This ComfyUI has no class for node {names}; install the pack that brings it, or "
            "choose another workflow."
        )
    prompt: Prompt = {}
    for node in active:
        inputs = {**_widget_values(node, object_info[node.kind]), **node.promoted}
        for slot in node.inputs:
            source = _resolve(slot.source, nodes)
            if isinstance(source, Origin):
                inputs[slot.name] = [source.node, source.slot]
            elif isinstance(source, Constant):
                inputs[slot.name] = source.value
        prompt[node.id] = {"class_type": node.kind, "inputs": inputs}
    return prompt


def _is_sent(node: Node) -> bool:
    return node.kind not in PAGE_ONLY and node.mode not in (MUTED, BYPASSED)


def _resolve(source: Source, nodes: dict[str, Node]) -> Source:
    """Follows a source through nodes that only the page knows and through bypassed ones."""
    while isinstance(source, Origin):
        node = nodes[source.node]
        if node.mode == MUTED:
            return None
        if node.kind == "PrimitiveNode":
            return Constant(node.values[0]) if isinstance(node.values, list) else None
        if node.kind == "Reroute":
            source = node.inputs[0].source if node.inputs else None
        elif node.mode == BYPASSED:
            source = _bypassed(node, source.slot)
        else:
            return source
    return source


def _bypassed(node: Node, slot: int) -> Source:
    """What a bypassed node hands on for an output: the input at its place if the types agree,
    else the first input of the same type, else the first that takes any."""
    wanted = node.outputs[slot] if slot < len(node.outputs) else "*"
    if slot < len(node.inputs) and _agree(node.inputs[slot].kind, wanted):
        return node.inputs[slot].source
    for same in (lambda kind: kind == wanted, lambda kind: _agree(kind, wanted)):
        for entry in node.inputs:
            if same(entry.kind):
                return entry.source
    return None


def _agree(kind: str, other: str) -> bool:
    """Whether two socket types connect: "*" takes all, "A,B" takes either."""
    if "*" in (kind, other):
        return True
    return bool(set(kind.split(",")) & set(other.split(",")))


def _widget_values(node: Node, info: Info) -> dict[str, Any]:
    """Widget values by input name; a widget newer than the file takes its default."""
    named: dict[str, Any] = {}
    values = node.values
    if isinstance(values, dict):
        return {name: values[name] for name, _, _ in _widgets(node, info) if name in values}
    at = 0
    for name, spec, extra in _widgets(node, info):
        if name is None:
            at += 1
        elif at < len(values):
            named[name] = values[at]
            at += 1 + _control_values(values[at + 1 :], spec, extra)
        else:
            _set_default(named, name, spec)
    return named


def _control_values(following: list[Any], spec: list[Any], controlled: bool) -> int:
    """How many values after a widget's own belong to its "control after generate"."""
    if not controlled or not following or following[0] not in CONTROLS:
        return 0
    has_filter = not isinstance(spec[0], str) or spec[0] == "COMBO"
    return 2 if has_filter and following[1:2] and isinstance(following[1], str) else 1


def _set_default(named: dict[str, Any], name: str, spec: list[Any]) -> None:
    options = spec[1] if len(spec) > 1 else {}
    choices = spec[0] if isinstance(spec[0], list) else options.get("options")
    if "default" in options:
        named[name] = options["default"]
    elif choices:
        named[name] = choices[0]


def _widgets(node: Node, info: Info) -> Iterator[tuple[Any, list[Any], bool]]:
    """(name, specification, has a control widget) in the page's order.

    The name None stands for an upload button, which has a saved value and no input.
    """
    for section in ("required", "optional"):
        specs = info["input"].get(section) or {}
        order = (info.get("input_order") or {}).get(section) or list(specs)
        for name in order:
            spec = specs[name]
            kind, options = spec[0], (spec[1] if len(spec) > 1 else {})
            if isinstance(kind, str) and kind.startswith(("COMFY_DYNAMIC", "COMFY_AUTOGROW")):
                raise LauncherError(
                    f"Node {node.id} ({node.kind}) has inputs that change in the page ({kind}); "
                    "export the workflow in the API format."
                )
            if (isinstance(kind, str) and kind not in WIDGET_TYPES) or options.get("forceInput"):
                continue
            controlled = options.get("control_after_generate") or (kind == "INT" and name in SEEDS)
            yield name, spec, bool(controlled)
        if any(_has_upload(spec) for spec in specs.values()):
            yield None, [], False


def _has_upload(spec: list[Any]) -> bool:
    return len(spec) > 1 and any(spec[1].get(key) for key in UPLOADS)
