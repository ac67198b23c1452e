"""One `run.py` at a time makes the environment of a clone; others wait for it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .environment import Say

NAME = "making.lock"
"""Stays in the folder, empty: the lock is the system's, and ends with the process that holds it."""


@contextmanager
def one_at_a_time(folder: Path, say: Say) -> Iterator[None]:
    """Makes `folder` and keeps other processes out of the block while this one is in it.

    Raises OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    check_writable(folder)
    with (folder / NAME).open("a") as file:
        if not locked(file):
            say("another run.py is at work in this clone; waiting for it")
            while not locked(file):
                time.sleep(0.2)
        try:
            yield
        finally:
            release(file)


def check_writable(folder: Path) -> None:
    """Raises OSError where no file can be made."""
    with tempfile.TemporaryFile(dir=folder):
        pass


if os.name == "nt":
    import msvcrt

    def locked(file: IO[str]) -> bool:
        """Takes the lock of an open file, if nobody has it."""
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True

    def release(file: IO[str]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]

else:
    import fcntl

    def locked(file: IO[str]) -> bool:
        """Takes the lock of an open file, if nobody has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # a file system without locks: better no lock than no run
        return True

    def release(file: IO[str]) -> None:
        """Closing the file does it."""
