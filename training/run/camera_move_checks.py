"""What of a run's TOML file a camera move cannot be trained with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ..data.camera_axes import AXES
from ..data.clips import check_memory
from ..data.prompt_file import is_prompt_file, prompts_in
from ..data.video_settings import VideoSettings
from ..engine.export import check_name, name_of_move

STILL_KEYS = (
    *("stride", "seed", "clips_per_video", "mirror", "aspect_buckets", "fps", "choice"),
    *("frame_buckets", "images", "repeats"),
)
"""Of [clips], without effect on single pictures that a camera moves over."""

PROMPT_KEYS = ("captions", "caption", "trigger")
"""Of [clips], without effect on pictures that are drawn of prompts."""


def check_pictures(
    source: Path, settings: VideoSettings, clips: Collection[str], stage: Collection[str]
) -> None:
    """clips, stage: keys that are written in these tables. Raises ValueError for the first
    fault."""
    is_drawn = is_prompt_file(source)
    why = dict.fromkeys(STILL_KEYS, "A camera moves over single pictures.")
    if is_drawn:
        why |= dict.fromkeys(PROMPT_KEYS, "The prompts are the captions.")
    for key in (key for key in why if key in clips):
        raise ValueError(f"[clips] {key} has no effect here; take it out. {why[key]}")
    if "pictures" in stage and not is_drawn:
        raise ValueError(
            "[stage] pictures has no effect here; take it out. The source's own are all taken."
        )
    if settings.frames < 2:
        raise ValueError(f"[clips] frames is {settings.frames}; a camera moves over 2 or more.")
    check_memory(settings.frames, settings.height, settings.width)
    if is_drawn:
        prompts_in(source)


def check_names(name: str, axes: Sequence[str]) -> None:
    """Raise ValueError for a name that the files of an axis cannot have."""
    for move in (move for axis in axes for move in AXES[axis]):
        try:
            check_name(name_of_move(name, move))
        except ValueError as error:
            raise ValueError(f"[output] name: {error}") from error
