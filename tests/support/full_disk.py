"""A disk on which there is no room for more than small files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NEEDS_LIMITS = pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on a file's size")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writing on behind so many bytes of a file fails, as on a full disk."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
