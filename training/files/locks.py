"""One writer at a time in a folder, also where several processes could be."""

from __future__ import annotations

import logging
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

NAME = "writer.lock"
"""Stays in the folder when nobody writes, empty: to remove it would be a race."""


class FolderInUse(ValueError):
    """Another process writes into the folder."""


def lock_folder(folder: Path) -> FileLock:
    """Make this the folder's only writer, until `release()`, or until the process ends in any way.

    A file system without locks is told of in a warning. Raises FolderInUse at once where there is
    another writer, and OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise FolderInUse(
            f"Another process writes into {folder}. Wait until it has ended, or choose another "
            "folder."
        ) from error
    except NotImplementedError:
        log.warning("%s cannot be locked: let no other process write there.", folder)
    return lock
