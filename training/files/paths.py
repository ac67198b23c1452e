"""Paths as people write them."""

from __future__ import annotations

import re
from pathlib import Path

HOME = re.compile(r"~(?=$|[/\\])" if Path("\\").anchor else r"~(?=$|/)")
"""A ~ alone, or before a separator. A name that only begins with ~ is a name, and no user."""


def expanded(written: str) -> Path:
    """The path, with a leading ~ as the user's home.

    Raises RuntimeError where the user has none.
    """
    home = HOME.match(written)
    return Path(written) if home is None else Path.home() / written[1:].lstrip("/\\")
