"""One graph, converted in both formats, which must say the same."""

from __future__ import annotations

import copy
from typing import Any

from adk_tests.support.old_graphs import OldGraph
from animatediff_kit.conversion.convert import convert
from animatediff_kit.conversion.new_nodes import NEW_NODES, SOCKET
from animatediff_kit.conversion.report import Report
from animatediff_kit.conversion.rules import Choices
from animatediff_kit.launcher import workflow

Prompt = dict[str, dict[str, Any]]


def info() -> dict[str, Any]:
    """What the server would tell of the nodes, for the page's way from saved values to inputs."""
    told: dict[str, Any] = {
        kind: {"input": {"required": {name: spec(*rest) for name, *rest in new.inputs}}}
        for kind, new in NEW_NODES.items()
    }
    seed = ["INT", {"default": 0, "control_after_generate": True}]
    names = dict(steps="INT", cfg="FLOAT", sampler_name="COMBO", scheduler="COMBO", denoise="FLOAT")
    widgets = {"seed": seed, **{name: [kind, {}] for name, kind in names.items()}}
    told["KSampler"] = {"input": {"required": widgets}}
    told["CLIPTextEncode"] = {"input": {"required": {"text": ["STRING", {}]}}}
    told["SaveLatent"] = {"input": {"required": {"filename_prefix": ["STRING", {}]}}}
    told["ADK_SmallWorldModels"] = {"input": {"required": {"image_model": ["COMBO", {}]}}}
    told["Sound"] = told["Number"] = told["FreeU_V2"] = {"input": {}}
    return told


def spec(kind: str, default: Any) -> list[Any]:
    return [kind, {"forceInput": True} if default is SOCKET else {"default": default}]


def converted(graph: OldGraph, **choices: bool) -> tuple[Prompt, Report]:
    """The prompt that both formats come to, and the report on the page's. The content that went in
    is as it was."""
    page, prompt = graph.page(), graph.prompt
    before = copy.deepcopy((page, prompt))
    of_page, report = convert(page, Choices(**choices))
    of_prompt, _ = convert(prompt, Choices(**choices))
    assert (page, prompt) == before
    assert_whole(of_page)
    assert workflow.to_prompt(of_page, info()) == without_meta(of_prompt)
    return of_prompt, report


def without_meta(prompt: Prompt) -> Prompt:
    return {key: {n: v for n, v in node.items() if n != "_meta"} for key, node in prompt.items()}


def assert_whole(page: dict[str, Any]) -> None:
    """Both ends of every link tell the same, and no id is there twice."""
    nodes = {node["id"]: node for node in page["nodes"]}
    links = {link[0]: link for link in page["links"]}
    assert len(nodes) == len(page["nodes"]) and len(links) == len(page["links"])
    assert max(nodes) <= page["last_node_id"] and max(links, default=0) <= page["last_link_id"]
    named = {s["link"] for n in nodes.values() for s in n["inputs"]} - {None}
    listed = [key for n in nodes.values() for s in n["outputs"] for key in s["links"] or []]
    assert named == set(links) and sorted(listed) == sorted(links)
    for key, origin, slot, target, place, _ in links.values():
        assert key in nodes[origin]["outputs"][slot]["links"]
        assert nodes[target]["inputs"][place]["link"] == key


def of_kind(prompt: Prompt, kind: str) -> dict[str, Any]:
    """The inputs of the one node of a kind."""
    (found,) = (node["inputs"] for node in prompt.values() if node["class_type"] == kind)
    return found


def behind(prompt: Prompt, inputs: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """(kind, inputs) of the node that a socket takes its value from."""
    node = prompt[inputs[name][0]]
    return node["class_type"], node["inputs"]


def chain(prompt: Prompt, kind: str = "KSampler", name: str = "model") -> list[str]:
    """The kinds of the nodes that a model comes through, the sampler's first."""
    inputs, kinds = of_kind(prompt, kind), []
    while name in inputs:
        kind, inputs = behind(prompt, inputs, name)
        kinds.append(kind)
    return kinds
