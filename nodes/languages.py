"""What the page shows of the nodes, in ComfyUI's form for translations: locales/en/nodeDefs.json.

The other languages stand beside it with the same keys. Files of English are made of the nodes:

    python benchmarks/english.py
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .schema import CATEGORY

LANGUAGES = ("zh", "zh-TW", "ja", "ko")
"""Besides English, as ComfyUI names them."""


def node_texts(nodes: Iterable[Any]) -> dict[str, Any]:
    """By node id: its name, description, inputs by their ids and outputs by their places, as
    `nodeDefs` of ComfyUI's translations has them. Inputs keep their ids as names in English."""
    return {schema.node_id: texts_of(schema) for schema in (n.define_schema() for n in nodes)}


def texts_of(schema: Any) -> dict[str, Any]:
    return {
        "display_name": schema.display_name,
        "description": schema.description,
        "inputs": {i.id: {"name": i.id, "tooltip": i.tooltip} for i in schema.inputs},
        "outputs": {
            str(place): {"name": output.display_name or output.id, "tooltip": output.tooltip}
            for place, output in enumerate(schema.outputs)
        },
    }


def category_texts(nodes: Iterable[Any]) -> dict[str, str]:
    """The folders that the page sorts the nodes into, but for the pack's name."""
    paths = (node.define_schema().category for node in nodes)
    parts = {part for path in paths for part in path.split("/")} - {CATEGORY}
    return {part: part for part in sorted(parts)}


def flat(texts: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Nested texts by their whole key, its parts joined by dots."""
    found: dict[str, str] = {}
    for key, value in texts.items():
        whole = f"{before}{key}"
        found |= flat(value, f"{whole}.") if isinstance(value, Mapping) else {whole: value}
    return found
