"""ComfyUI's server, where one runs: the way to the page."""

from __future__ import annotations

import sys
from typing import Any


def prompt_server() -> Any:
    """The running PromptServer, or None. Its module is not imported where nobody has: tests and
    scripts use nodes without a server."""
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)


def workflow_of(server: Any, prompt: str) -> str | None:
    """The id of the workflow that the page had open when it queued a prompt that runs; None for one
    that came without, as from a script."""
    for _, running, _, extra, *_ in server.prompt_queue.get_current_queue_volatile()[0]:
        if running == prompt:
            png_info = extra.get("extra_pnginfo")
            workflow = png_info.get("workflow") if isinstance(png_info, dict) else None
            return workflow.get("id") if isinstance(workflow, dict) else None
    return None
