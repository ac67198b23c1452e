"""What rank 0 has another rank execute: one node that samples, and what this hangs on.

Each run is handed over by itself, when rank 0 begins it: two samplers of a prompt run in an order
that differs from process to process, and which nodes sample shows when they do.

A node that has sampled bears the identity of its run among its inputs. So the other rank has its
result in the cache where that comes from the same run, and nowhere else: a node that rank 0 samples
is sampled by all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .digest import RUN, ancestors

Graph = Mapping[str, Mapping[str, Any]]

KEEPER = "PreviewAny"
"""Core's output node that takes anything, writes no file, and has the node before it run."""


def handed(graph: Graph, node: str, runs: Mapping[str, str], outputs: int) -> dict[str, Any]:
    """The graph for the others.   runs: identities of the last runs, by node;   outputs: how many
    the node has, since each may be the one that a video is sampled for"""
    above = ancestors(graph, node)
    cut = {key: marked(graph[key], runs.get(key)) for key in graph if key in above}
    for i in range(outputs):
        cut[f"rank {node} {i}"] = {"class_type": KEEPER, "inputs": {"source": [node, i]}}
    return cut


def marked(entry: Mapping[str, Any], run: str | None) -> dict[str, Any]:
    """A node of a graph that bears its run; ComfyUI keys its cache by all inputs that a graph
    names, and gives a node those that it has."""
    if run is None:
        return dict(entry)
    return {**entry, "inputs": {**entry["inputs"], RUN: run}}
