"""Core's nodes that the oldest supported ComfyUI (0.3.75) lacks, as a newer one describes them.

Of `/object_info` of ComfyUI 0.33, what the page needs.
"""

from __future__ import annotations

from typing import Any

NEWER: dict[str, Any] = {
    "FrameInterpolationModelLoader": {
        "input": {"required": {"model_name": ["COMBO", {"options": []}]}},
        "output": ["INTERP_MODEL"],
        "output_name": ["INTERP_MODEL"],
    },
    "FrameInterpolate": {
        "input": {
            "required": {
                "interp_model": ["INTERP_MODEL", {}],
                "images": ["IMAGE", {}],
                "multiplier": ["INT", {"default": 2, "min": 2, "max": 16}],
            }
        },
        "output": ["IMAGE"],
        "output_name": ["IMAGE"],
    },
}
