"""Nodes of other packs that `--videos` and `--prompts` take the place of: their widgets in saved
order, as `old_nodes` has them for AnimateDiff-Evolved.

VideoHelperSuite saves by name, so that the order does not matter. Of FizzNodes, versions differ in
their last widgets: print_output (9), start_frame (10) and end_frame (11) came one after the other,
and the four weights lie between.
"""

from __future__ import annotations

from typing import Any

from .old import Old

WEIGHTS: dict[str, Any] = dict.fromkeys(("pw_a", "pw_b", "pw_c", "pw_d"), 0.0)
TEXTS: dict[str, Any] = {"pre_text": "", "app_text": ""}
CONDITIONINGS = ("CONDITIONING", "CONDITIONING")

FRAMES: dict[str, Any] = {"start_frame": 0, "end_frame": 0}


def arrays(*first: str) -> dict[int, tuple[str, ...]]:
    """The arrays of all versions, by their length."""
    printing = (*first, "print_output", *TEXTS)
    versions = (
        (*first, *TEXTS, *WEIGHTS),
        (*printing, *WEIGHTS),
        (*printing, "start_frame", *WEIGHTS),
        (*printing, *FRAMES, *WEIGHTS),
    )
    return {len(names): names for names in versions}


PROMPT_WIDGETS: dict[str, Any] = {"text": "", "max_frames": 120, "print_output": False}

VIDEO_NODES: dict[str, Old] = {
    "VHS_VideoCombine": Old(
        {
            "frame_rate": 8,
            "loop_count": 0,
            "filename_prefix": "AnimateDiff",
            "format": "image/gif",
            "pingpong": False,
            "save_output": True,
        },
        ("VHS_FILENAMES",),
        other_names={"save_image": "save_output"},
    ),
}

SCHEDULE = "BatchPromptSchedule"
BY_LATENT = "BatchPromptScheduleLatentInput"

PROMPT_NODES: dict[str, Old] = {
    SCHEDULE: Old(
        {**PROMPT_WIDGETS, **TEXTS, **FRAMES, **WEIGHTS},
        CONDITIONINGS,
        shapes=arrays("text", "max_frames"),
    ),
    BY_LATENT: Old(
        {"text": "", "print_output": False, **TEXTS, **FRAMES, **WEIGHTS},
        (*CONDITIONINGS, "LATENT"),
        shapes=arrays("text"),
    ),
}
