"""AnimateDiff-Evolved's nodes under their old ids, so that its workflows run with this pack.

    old_node       an old node as data -> the class that ComfyUI wants
    inputs         their inputs, by AnimateDiff-Evolved's names, types and defaults
    loaders        legacy, Gen1 and Gen2; `attach` is what they do
    windows, sampling_settings, values, adjustments, extras, combine      the nodes around them
    multivals, keyframes        what they hand on
    other_pack     whether AnimateDiff-Evolved itself is there
    replacements   ids that no workflow is known to hold, and which of these nodes they become
    help_pages     web/docs: what does the work of each now
    told           what a node says that it cannot do

Each is a thin adapter over functions that this pack's own nodes call. Facts about the old nodes
come from their published definitions; the code is this pack's own.
"""

from __future__ import annotations

from comfy_api.latest import io

from . import adjustments, combine, extras, loaders, sampling_settings, values, windows
from .old_node import OldNode, node_of
from .other_pack import is_here

OLD_NODES: dict[str, OldNode] = {
    old.id: old
    for room in (loaders, windows, sampling_settings, values, adjustments, extras, combine)
    for old in room.NODES
}


def evolved_nodes() -> list[type[io.ComfyNode]]:
    """The classes of all old nodes; none where the pack that they belong to is there."""
    return [] if is_here(OLD_NODES) else [node_of(old) for old in OLD_NODES.values()]
