"""Removing files of a run that newer ones have taken the place of."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)


def remove_old(files: Iterable[Path]) -> None:
    """One that cannot be removed is told; Windows removes none that another program has open, and
    that is no reason to end a run. The next call is given it again."""
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning(
                "%s could not be removed (%s). The run goes on; close it where it is open, and it "
                "is removed with the next.",
                path,
                error.strerror or error,
            )
