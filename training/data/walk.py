"""Walking through a folder of clips: in a fixed order, and stopped by ComfyUI's Cancel."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import comfy.model_management

MayRead = Callable[[Path], None]
"""Raises ValueError for a file or folder that is not to be read, before anything is looked at."""


def anything(path: Path) -> None:
    """Every file may be read."""


def stop_if_asked() -> None:
    """Raises ComfyUI's InterruptProcessingException after Cancel."""
    comfy.model_management.throw_exception_if_processing_interrupted()


def raise_unless_refused(error: OSError) -> None:
    """Disks hold folders that are not for all (lost+found); any other is one that fails."""
    if not isinstance(error, PermissionError):
        raise error


def walk(
    folder: Path,
    may_read: MayRead = anything,
    pause: Callable[[], None] = stop_if_asked,
    on_error: Callable[[OSError], None] = raise_unless_refused,
) -> list[Path]:
    """All files and folders below `folder`, sorted; none that is hidden, or below one that is.

    Linked folders are among them, but not what lies below. pause: called again and again, may raise
    to end it. on_error: told what the system says of a folder that it does not list. Raises what
    `may_read` raises of a link.
    """
    entries: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=on_error):
        pause()
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in (*folders, *(name for name in files if not name.startswith("."))):
            entries.append(Path(place, name))
    for entry in entries:
        pause()
        if may_read is not anything and entry.is_symlink():
            may_read(entry)
    return sorted(entries)
