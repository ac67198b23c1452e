"""What an old node cannot do as it was asked to: a warning, which nodes/page.py shows on the
node."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


def tell(sentence: str) -> None:
    """A sentence for the node that runs; it names the option."""
    log.warning("%s", sentence)
