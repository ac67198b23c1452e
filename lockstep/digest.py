"""What all ranks must have been given alike, told before they sample.

Numbers that a machine computes (texts, encoded pictures) differ in their last digits from one kind
of GPU to another, so it is what they are computed from that is compared: the graph above the
sampler, the seed, the noise levels, the code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

Parts = dict[str, str]
"""What is compared -> what this rank has of it."""

RUN = "animatediff_kit run"
"""The input by which a node bears the identity of its run (handover.py); it is no part of what is
sampled."""

ROOMS = ("nodes", "sampling", "motion_models", "lockstep")
"""Folders of the pack that decide what is sampled."""


def parts_of(noise: Tensor, sigmas: Tensor, seed: int | None, pack: Path) -> Parts:
    """Of a run that begins in the node that executes.   noise: f c h w;   sigmas: steps + 1;
    pack: the folder of the pack's code"""
    return {
        "the prompt": prompt_digest(),
        "the video": "x".join(map(str, noise.shape)),
        "the seed": str(seed),
        "the noise levels": " ".join(f"{sigma:.4g}" for sigma in sigmas.tolist()),
        "the pack": code_digest(pack),
        "PyTorch": torch.__version__.split("+")[0],
    }


def differences(own: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Names of the parts in which two ranks differ."""
    return [name for name in own if own[name] != other.get(name)]


def prompt_digest() -> str:
    """Of the graph that the node which executes hangs on; empty outside of ComfyUI's queue."""
    found = executing()
    if found is None:
        return ""
    graph, node, _ = found
    above = {key: graph[key] for key in sorted(ancestors(graph, node))}
    told = [[key, entry["class_type"], unmarked(entry)] for key, entry in above.items()]
    return digest(json.dumps([node, told], sort_keys=True))


def unmarked(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry["inputs"].items() if name != RUN}


def executing() -> tuple[dict[str, Any], str, str] | None:
    """The prompt that ComfyUI executes, the id of its node, and its own; None in a script."""
    from comfy_execution.progress import get_progress_state
    from comfy_execution.utils import get_executing_context

    context = get_executing_context()
    if context is None:
        return None
    dynamic = get_progress_state().dynprompt
    node = dynamic.get_real_node_id(context.node_id)  # not one that another put into the graph
    return dynamic.get_original_prompt(), node, context.prompt_id


def ancestors(graph: Mapping[str, Any], node: str) -> set[str]:
    """A node, and those that it hangs on."""
    found, open_ends = {node}, [node]
    while open_ends:
        for value in graph[open_ends.pop()].get("inputs", {}).values():
            if isinstance(value, list) and len(value) == 2 and value[0] in graph:
                if value[0] not in found:
                    found.add(value[0])
                    open_ends.append(value[0])
    return found


def code_digest(pack: Path) -> str:
    """Of the Python files that decide what is sampled."""
    total = hashlib.sha256()
    for room in ROOMS:
        for file in sorted((pack / room).rglob("*.py")):
            total.update(file.relative_to(pack).as_posix().encode() + b"\0")
            total.update(file.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return total.hexdigest()[:16]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
