"""AnimateDiff Kit: AnimateDiff for ComfyUI, computed as its authors compute it.

ComfyUI calls `comfy_entrypoint`; importing the package prints nothing, creates nothing, and needs
no ComfyUI, so that tools and tests can import its parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .nodes import AnimateDiffKit

WEB_DIRECTORY = "./web"


async def comfy_entrypoint() -> AnimateDiffKit:
    from .nodes import AnimateDiffKit

    return AnimateDiffKit()
