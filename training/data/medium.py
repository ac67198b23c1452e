"""Whether a clip's file is broken, or the disk or network that it lies on is.

Decoders give one kind of error for both, and often take the end of what can be read for the end of
the file. A broken file stays broken, and its clip is left out for good; a disk comes back.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from av.error import FFmpegError

from ..files.names import in_unicode
from .clips import UnreadableClip

OF_THE_MEDIUM = frozenset(
    getattr(errno, name)
    for name in (
        *("ENOENT", "EACCES", "EPERM", "EIO", "EREMOTEIO", "ENODEV", "ENXIO", "ENOMEDIUM"),
        *("ESTALE", "ETIMEDOUT", "ENOTCONN", "ECONNRESET", "ECONNABORTED", "ECONNREFUSED"),
        *("ENETDOWN", "ENETUNREACH", "ENETRESET", "EHOSTDOWN", "EHOSTUNREACH", "EMFILE", "ENFILE"),
    )
    if hasattr(errno, name)
)
"""What the system says where it does not give a file's bytes. Not EINVAL, which it says of a place
before the file's beginning, where a broken file may send a decoder."""

BLOCK = 1 << 20


class MediumError(ValueError):
    """A file's bytes cannot be read, so nobody knows what they hold. Encoding ends, and goes on
    when they can."""


@contextmanager
def told_apart(name: str, files: Callable[[], Iterable[Path]]) -> Iterator[None]:
    """An UnreadableClip from inside stays one where the system gives all bytes of the files; else,
    as what the system itself says inside, it becomes a MediumError."""
    try:
        yield
    except UnreadableClip as error:
        failed = of_the_system(error.__cause__) or first_failure(files)
        if failed:
            raise medium_error(name, failed) from error
        raise
    except OSError as error:
        raise medium_error(name, error) from error


def of_the_system(error: BaseException | None) -> OSError | None:
    """The error where it is certainly the system's. FFmpeg's are not: its readers give the same
    numbers for files that break off."""
    if not isinstance(error, OSError) or isinstance(error, FFmpegError):
        return None
    return error if error.errno in OF_THE_MEDIUM else None


def first_failure(files: Callable[[], Iterable[Path]]) -> OSError | None:
    """What the system says of the first file that it does not give all bytes of."""
    try:
        for path in files():
            with open(path, "rb", buffering=0) as file:
                while file.read(BLOCK):
                    pass
    except OSError as error:
        return error
    return None


def read_through(path: Path, name: str) -> None:
    """Raises MediumError where not all bytes can be read."""
    failed = first_failure(lambda: [path])
    if failed:
        raise medium_error(name, failed) from failed


def medium_error(name: str, error: OSError) -> MediumError:
    return MediumError(
        f"{name} cannot be read ({error.strerror or error}), so nobody knows whether it is whole. "
        "See to its disk, its network or its permissions and run again, or take it out of the "
        "source."
    )


def named_medium_error(place: Path, error: OSError) -> MediumError:
    """Of the file that the system names, or of the place where it was looked for."""
    name = error.filename if isinstance(error.filename, (str, bytes)) else place
    return medium_error(in_unicode(os.fsdecode(name)), error)
