"""What `run.py` is made of: the environment, the ComfyUI server, a client of its API.

Standard library alone, except for the scripts that run inside `.venv` (`probe.py`
and `start_comfyui.py`).
"""

from __future__ import annotations


class LauncherError(Exception):
    """A failure told in sentences: what happened, what holds, what to do."""
