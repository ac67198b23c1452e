"""ComfyUI's server, where one runs: the way to the page."""

from __future__ import annotations

import sys
from typing import Any


def prompt_server() -> Any:
    """The running PromptServer, or None. Its module is not imported where nobody has: tests and
    scripts use nodes without a server."""
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
