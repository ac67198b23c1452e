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

BATCH_EARLY = ("text", "max_frames", *TEXTS, *WEIGHTS)
BATCH_LATE = ("text", "max_frames", "print_output", *TEXTS, "start_frame", "end_frame", *WEIGHTS)
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
        ("images", "audio", "meta_batch", "vae"),
        other_names={"save_image": "save_output"},
    ),
}

PROMPT_NODES: dict[str, Old] = {
    "BatchPromptSchedule": Old(
        {**PROMPT_WIDGETS, **TEXTS, "start_frame": 0, "end_frame": 0, **WEIGHTS},
        CONDITIONINGS,
        ("clip",),
        shapes={
            8: BATCH_EARLY,
            9: ("text", "max_frames", "print_output", *TEXTS, *WEIGHTS),
            10: ("text", "max_frames", "print_output", *TEXTS, "start_frame", *WEIGHTS),
            11: BATCH_LATE,
        },
    ),
}
