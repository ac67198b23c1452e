"""A few bad items of a large set are a warning that names them, many are an error."""

from __future__ import annotations

import logging
from collections.abc import Sequence

log = logging.getLogger(__name__)

MOST = 0.05
"""The share of a set's items that are left out with a warning: 1 of 20, 50 of 1,000."""


def is_share(bad: int, of: int) -> bool:
    """Whether so few are bad that a set goes on without them."""
    return 0 < bad <= MOST * of


def names_of(names: Sequence[str]) -> str:
    """The first ten, and how many more."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more
