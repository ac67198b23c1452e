"""Names of files as logs, messages and caches can hold them."""

from __future__ import annotations

import os


def in_unicode(name: str) -> str:
    """A file's name; bytes of it that are no UTF-8 (a zip from elsewhere has such) are spelled
    \\xe9, since neither a log nor a cache can hold them."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
