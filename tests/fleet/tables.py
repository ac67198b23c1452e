"""Tables and node classes for the tests of the fleet."""

from __future__ import annotations

from typing import Any

CODECS = ["COMBO", {"options": ["h264", 1]}]
INFO: dict[str, Any] = {
    "Sampler": {
        "display_name": "KSampler",
        "input": {
            "required": {
                "model": ["MODEL"],
                "seed": ["INT", {"min": 0, "max": 99, "control_after_generate": True}],
                "cfg": ["FLOAT", {"min": 0.0, "max": 30.0}],
                "sampler": [["euler", "lcm"], {}],
                "format": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {"key": "mp4", "inputs": {"required": {"codec": CODECS}}},
                            {"key": "webm", "inputs": {"required": {"codec": ["INT", {}]}}},
                        ]
                    },
                ],
            },
            "optional": {
                "loop": ["BOOLEAN", {}],
                "file": ["COMBO", {}],
                "only_linked": ["FLOAT", {"forceInput": True}],
            },
        },
    },
    "Text": {"display_name": "CLIP", "input": {"required": {"text": ["STRING", {}]}}},
}  # fmt: skip
"""As `/object_info` describes a sampler and a text."""


def prompt() -> dict[str, Any]:
    """Two texts of one title, and a sampler that is linked to another node."""
    sampler = {"model": ["9", 0], "seed": 1, "cfg": 2.0, "sampler": "euler"}
    return {
        "3": {"class_type": "Sampler", "inputs": sampler, "_meta": {"title": "Draw. It"}},
        "4": {"class_type": "Text", "inputs": {"text": "a"}, "_meta": {"title": "Prompt"}},
        "5": {"class_type": "Text", "inputs": {"text": "b"}, "_meta": {"title": "Prompt"}},
    }
