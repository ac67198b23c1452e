"""Pictures that nodes show in themselves: files in ComfyUI's temp folder, by ComfyUI's writers.

They are no outputs: where the disk is full or refuses, a node gives what it has worked out, a
training of hours among it, and warns that it shows no picture of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import folder_paths
from comfy_api.latest import io, ui
from torch import Tensor

log = logging.getLogger(__name__)

T = TypeVar("T")


def picture_in_node(picture: Tensor, cls: Any) -> Any:
    """What a node's `ui` takes to show pictures (SavedImages, or None).   picture: b h w 3"""

    def save(start: str) -> ui.SavedImages:
        saved = ui.ImageSaveHelper.save_images(picture, start, io.FolderType.temp, cls, 1)
        return ui.SavedImages(saved)

    return unless_it_cannot_be_written(save, cls)


def animation_in_node(frames: Tensor, cls: Any) -> Any:
    """The same of one picture that moves, at 8 frames a second.   frames: f h w 3"""

    def save(start: str) -> ui.SavedImages:
        moving = ui.ImageSaveHelper.save_animated_webp(
            frames, start, io.FolderType.temp, cls, fps=8.0, lossless=False, quality=85, method=4
        )
        return ui.SavedImages([moving], is_animated=True)

    return unless_it_cannot_be_written(save, cls)


def unless_it_cannot_be_written(save: Callable[[str], T], cls: Any) -> T | None:
    """What `save` gives, which writes files whose names begin with what it is given; None, a
    warning, and nothing half written, where the system refuses."""
    folder, start = Path(folder_paths.get_temp_directory()), f"animatediff_kit_{uuid4().hex}"
    try:
        return save(start)
    except OSError as error:
        for half in folder.glob(f"{start}*"):
            half.unlink(missing_ok=True)
        log.warning(
            "%s shows no picture, which could not be written into %s (%s). Its outputs are whole; "
            "make room there.",
            cls.GET_SCHEMA().display_name,
            folder,
            error.strerror or error,
        )
        return None
