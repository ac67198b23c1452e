"""One process trains in a run's folder at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..files.locks import FolderInUse, lock_folder


@contextmanager
def locked(folder: Path, otherwise: str = "start a new run with an empty resume") -> Iterator[None]:
    """No other process trains in the run's folder meanwhile.   otherwise: what people can do who do
    not wait. Raises ValueError where one does."""
    try:
        lock = lock_folder(folder)
    except FolderInUse as error:
        raise ValueError(
            f"Another process trains the run {folder.name}. Wait until it has ended, or "
            f"{otherwise}."
        ) from error
    except OSError as error:
        raise ValueError(
            f"{folder} cannot be written ({error.strerror}). Let ComfyUI write there."
        ) from error
    try:
        yield
    finally:
        lock.release()
