"""What nodes that make or take training clips have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io

from ...training.data.clips import ClipSet
from ..schema import ClipsSocket, advanced

CACHE = "animatediff_kit_cache"
"""Below ComfyUI's output folder: where clips are kept that are encoded into no other place, and
what is known of files."""


def caches() -> Path:
    return Path(folder_paths.get_output_directory()) / CACHE


def size_input(name: str, default: int, tooltip: str, least: int = 64) -> io.Int.Input:
    return io.Int.Input(name, default=default, min=least, max=4096, step=8, tooltip=tooltip)


def seed_input(tooltip: str) -> Any:
    """No seed of a sampler's: the page must not change it after a run, or every run would have
    other clips."""
    return advanced(
        io.Int.Input,
        "seed",
        default=0,
        min=0,
        max=0xFFFFFFFFFFFFFFFF,
        control_after_generate=False,
        tooltip=tooltip,
    )


def before(clips: object) -> ClipSet | None:
    """What is connected to an optional input of clips. Raises ValueError for what are none."""
    if clips is not None:
        check_clips(clips)
    return clips if isinstance(clips, ClipSet) else None


def clips_input() -> Any:
    return ClipsSocket.Input(
        "clips",
        optional=True,
        tooltip="Clips of another source, which these are joined to: one training on both.",
    )


def check_clips(clips: object) -> None:
    """Raise ValueError for what are no clips, which a workflow that came as JSON may hold."""
    if not isinstance(clips, ClipSet):
        raise ValueError(f"clips is {clips!r}. Connect the node Load Video Clips, or another.")
