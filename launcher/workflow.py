"""Turns a workflow as ComfyUI's page saves it into the graph that `POST /prompt` takes.

The saved format stores widget values by position and leaves their names to the page; the names and
their order come from the server's `/object_info`. Text is taken as it stands: the page's random
choice `{a|b}` is not played.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import LauncherError
from .client import Prompt
from .subgraphs import BYPASSED, MUTED, Constant, Node, Origin, Source, open_up

PAGE_ONLY = ("Note", "MarkdownNote", "Reroute", "PrimitiveNode")  # kinds the server has no class of
WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
SEEDS = ("seed", "noise_seed")
CONTROLS = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
BEFORE_THE_WIDGET = {
    # (class, widget that came later) -> what graphs saved before it keep, as web/saved_schedule.js
    # has it for the page
    ("ADK_Animate", "context_schedule"): "standard_static",
}
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
    and primitives are followed, subgraphs are opened. A node that only the page knows, such as a
    pack's label, is left out where nothing hangs on it. Raises `LauncherError` for another class
    that the server does not know.
    """
    if not is_saved(content):
        return content
    nodes = open_up(content)
    sent = [node for node in nodes.values() if _is_sent(node)]
    joined = _joined(nodes)
    active = [node for node in sent if node.kind in object_info or node.id in joined] or sent
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


def _joined(nodes: dict[str, Node]) -> set[str]:
    """The ids of the nodes at an end of a link: of these the server must know the class. Another
    without one is a note, a label or a switch of the page."""
    at_ends = {node.id for node in nodes.values() if any(slot.source for slot in node.inputs)}
    for node in nodes.values():
        at_ends |= {slot.source.node for slot in node.inputs if isinstance(slot.source, Origin)}
    return at_ends


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


class _Saved:
    """The widget values of one saved node, taken in the page's order."""

    def __init__(self, values: list[Any]) -> None:
        self._values, self._at = values, 0

    def take(self, default: Any = None) -> Any:
        """The next value, or the default where the file has no more."""
        self._at += 1
        return self._values[self._at - 1] if self._at <= len(self._values) else default

    def skip_controls(self, has_filter: bool) -> None:
        """Passes what "control after generate" saved, if the file is new enough to hold it."""
        following = self._values[self._at : self._at + 2]
        if following and following[0] in CONTROLS:
            self._at += 1
            if has_filter and isinstance(following[-1], str) and len(following) == 2:
                self._at += 1


def _widget_values(node: Node, info: Info) -> dict[str, Any]:
    """Widget values by input name; a widget newer than the file takes its default, or what it was
    before there was a choice."""
    specs = info["input"]
    if isinstance(node.values, dict):
        known = {name for section in ("required", "optional") for name in specs.get(section) or {}}
        return {name: value for name, value in node.values.items() if name.split(".")[0] in known}
    named: dict[str, Any] = {}
    _read_widgets(named, _Saved(node.values), specs, info.get("input_order") or {}, node)
    return named


def _read_widgets(
    named: dict[str, Any], saved: _Saved, specs: Info, order: Info, node: Node, prefix: str = ""
) -> None:
    """Fills `named` from the values in the order of the class's inputs."""
    for section in ("required", "optional"):
        entries = specs.get(section) or {}
        for name in order.get(section) or list(entries):
            spec = entries[name]
            kind, options = spec[0], (spec[1] if len(spec) > 1 else {})
            if kind == "COMFY_DYNAMICCOMBO_V3":
                _read_choice(named, saved, options["options"], node, prefix + name)
            elif kind == "COMFY_AUTOGROW_V3":
                _refuse_growing_widgets(node, options)
            elif _is_widget(kind) and not options.get("forceInput"):
                value = saved.take(BEFORE_THE_WIDGET.get((node.kind, name), _default(spec)))
                if value is not None:
                    named[prefix + name] = value
                if options.get("control_after_generate") or (kind == "INT" and name in SEEDS):
                    saved.skip_controls(has_filter=kind != "INT")
        if any(_has_upload(spec) for spec in entries.values()):
            saved.take()  # the upload button


def _read_choice(
    named: dict[str, Any], saved: _Saved, options: list[Info], node: Node, name: str
) -> None:
    """A choice that brings widgets of its own, which follow it and carry its name."""
    named[name] = saved.take(options[0]["key"])
    for option in options:
        if option["key"] == named[name]:
            _read_widgets(named, saved, option["inputs"], {}, node, name + ".")


def _refuse_growing_widgets(node: Node, options: Info) -> None:
    """Sockets that grow in number have names of their own in the file; widgets do not."""
    sections = options["template"]["input"].values()
    if any(_is_widget(spec[0]) for section in sections for spec in section.values()):
        raise LauncherError(
            f"Node {node.id} ({node.kind}) has widgets that grow in number; export the workflow "
            "in the API format."
        )


def _is_widget(kind: Any) -> bool:
    return isinstance(kind, list) or kind in WIDGET_TYPES


def _default(spec: list[Any]) -> Any:
    options = spec[1] if len(spec) > 1 else {}
    choices = spec[0] if isinstance(spec[0], list) else options.get("options")
    return options.get("default", choices[0] if choices else None)


def _has_upload(spec: list[Any]) -> bool:
    return len(spec) > 1 and any(spec[1].get(key) for key in UPLOADS)
