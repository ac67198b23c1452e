"""A workflow or a prompt, converted."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from . import ConversionError
from .old_nodes import is_old
from .read_api import graph_of_prompt, is_node
from .read_page import graph_of_page
from .report import Report
from .rules import Choices, plan_of
from .virtual import Page
from .write_api import write_prompt
from .write_page import write_page

GROUP_NODES = ("workflow/", "workflow>")


def convert(content: Any, choices: Choices | None = None) -> tuple[Any, Report]:
    """(the converted content, what was done). The content is a workflow as the page saves it, a
    prompt, or a prompt inside {"prompt": ...}, as it is sent to the server. Raises ConversionError
    for anything else."""
    choices, content = choices or Choices(), copy.deepcopy(content)
    if is_workflow(content):
        return content, convert_workflow(content, choices)
    if is_prompt(content):
        return convert_prompt(content, choices)
    if isinstance(content, dict) and is_prompt(content.get("prompt")):
        prompt, report = convert_prompt(content["prompt"], choices)
        return {**content, "prompt": prompt}, report
    raise ConversionError(
        "It holds no workflow: neither `nodes` as the page saves them nor nodes with `class_type` "
        "as the API takes them."
    )


def is_workflow(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("nodes"), list)


def is_prompt(content: Any) -> bool:
    return isinstance(content, dict) and any(is_node(entry) for entry in content.values())


def convert_workflow(content: dict[str, Any], choices: Choices) -> Report:
    report = Report()
    convert_page(content, choices, report, "")
    subgraphs = (content.get("definitions") or {}).get("subgraphs") or []
    for definition in subgraphs:
        where = f"in subgraph {definition.get('name') or definition.get('id')}: "
        gone = convert_page(definition, choices, report, where)
        for graph in (content, *subgraphs):
            report.warnings += [f"{where}{lost}" for lost in lost_widgets(graph, definition, gone)]
    for name in group_nodes_with_old(content):
        report.warnings.append(
            f"The group node {name!r} holds nodes of AnimateDiff-Evolved and stays as it is; "
            "convert it to nodes or to a subgraph on the page, save, and convert again."
        )
    return report


def convert_page(graph: dict[str, Any], choices: Choices, report: Report, where: str) -> set[str]:
    """Converts one graph in place; the ids of the nodes that went."""
    try:
        page = Page(graph)
        resolved = graph_of_page(page)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConversionError(
            f"The workflow {where}is damaged: a node or a link lacks a part ({error!r}); open it "
            "in ComfyUI's page and save it again."
        ) from error
    plan = plan_of(resolved, choices)
    if plan.gone:
        write_page(page, plan)
    report.add(resolved, plan, where)
    return plan.gone


def lost_widgets(
    graph: dict[str, Any], definition: dict[str, Any], gone: set[str]
) -> Iterator[str]:
    """Widgets of old nodes that a use of a subgraph shows outside."""
    for node in graph["nodes"]:
        if node.get("type") != definition.get("id"):
            continue
        for inner, name, *_ in (node.get("properties") or {}).get("proxyWidgets") or []:
            if str(inner) in gone:
                yield (
                    f"node {node['id']} shows the widget {name!r} of old node {inner}, which is "
                    "gone; promote the new node's on the page."
                )


def convert_prompt(prompt: dict[str, Any], choices: Choices) -> tuple[dict[str, Any], Report]:
    graph, report = graph_of_prompt(prompt), Report()
    plan = plan_of(graph, choices)
    report.add(graph, plan)
    return write_prompt({str(key): entry for key, entry in prompt.items()}, plan), report


def group_nodes_with_old(content: dict[str, Any]) -> list[str]:
    groups = (content.get("extra") or {}).get("groupNodes") or {}
    used = {str(node.get("type")) for node in content["nodes"]}
    return [
        name
        for name, group in groups.items()
        if any(f"{prefix}{name}" in used for prefix in GROUP_NODES)
        and any(is_old(str(node.get("type"))) for node in group.get("nodes") or [])
    ]
