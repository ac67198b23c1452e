"""How far the numbers of nodes that come may go. ComfyUI refuses a prompt with one beyond, so that
an old node with such a value stays. `tests/conversion/test_new_nodes.py` holds the table against
the nodes themselves."""

from __future__ import annotations

from typing import Any

PERCENT = (0.0, 1.0)
WEIGHT = (-9999.0, 9999.0)
FRAMES = (1, 1024)

LIMITS: dict[str, dict[str, tuple[float, float]]] = {
    "ADK_LoadMotionLoRA": {"strength": (-4.0, 4.0)},
    "ADK_ApplyMotionModel": {
        "strength": (0.0, 4.0),
        "motion_scale": (0.0, 4.0),
        "start_percent": PERCENT,
        "end_percent": PERCENT,
    },
    "ADK_Strength": {"value": (-100.0, 100.0), "outside": (-100.0, 100.0), "frames": (1, 4096)},
    "ADK_ModelNoise": {
        "length": (0, 1024),
        "overlap": (0, 1023),
        "seed_offset": (-(2**31), 2**31),
        "batch_offset": (0, 4096),
    },
    "ADK_ModelGuidance": {"cfg": (0.0, 100.0)},
    "ADK_ContextWindows": {
        "length": FRAMES,
        "overlap": (0, 1023),
        "stride": (1, 16),
        "view_length": (0, 1024),
        "view_overlap": (0, 1023),
        "start_percent": PERCENT,
    },
    "ADK_PromptTravel": {
        "frames": (1, 100000),
        **dict.fromkeys(("pw_a", "pw_b", "pw_c", "pw_d"), WEIGHT),
    },
    # ComfyUI's own
    "EmptyLatentImage": {"width": (16, 16384), "height": (16, 16384), "batch_size": (1, 4096)},
    "CreateVideo": {"fps": (1.0, 120.0)},
    "SaveAnimatedWEBP": {"fps": (0.01, 1000.0), "quality": (0, 100)},
}


def beyond(kind: str, name: str, value: Any) -> str:
    """What is wrong with the value of a widget, as the end of "it stays: ..."; empty where nothing
    is."""
    low, high = LIMITS.get(kind, {}).get(name, (None, None))
    if low is None or high is None or not isinstance(value, (int, float)):
        return ""
    if low <= value <= high:
        return ""
    return f"{name} of {kind} would be {value}, and goes from {low} to {high}"
