"""Whether AnimateDiff-Evolved itself is there: then its ids are its own.

ComfyUI loads the packs of custom_nodes one behind the other in the order of the disk, so the other
one may be loaded before this one or after. Both packs' nodes side by side would hand each other
what they cannot read; so either all old ids are ours or none is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import folder_paths
from comfy.cli_args import args

from .inputs import CORE

log = logging.getLogger(__name__)

MARK = "ADE_AnimateDiffLoaderWithContext"
"""An id that every version of the pack names in its code."""

PLACES = ("animatediff/nodes.py", "__init__.py")
"""Where it does, below the pack's folder."""


def is_loaded(ids: Iterable[str]) -> bool:
    """Whether another pack has registered one of these ids."""
    return any(name in CORE.NODE_CLASS_MAPPINGS for name in ids)


def folder_to_come() -> Path | None:
    """The folder of a pack that will register the ids, where ComfyUI is going to load it."""
    for parent in folder_paths.get_folder_paths("custom_nodes"):
        for folder in sorted(Path(parent).glob("*/")):
            if will_load(folder) and holds_the_ids(folder):
                return folder
    return None


def will_load(folder: Path) -> bool:
    """As ComfyUI chooses what it loads."""
    if folder.name.endswith(".disabled") or not (folder / "__init__.py").is_file():
        return False
    return not args.disable_all_custom_nodes or folder.name in args.whitelist_custom_nodes


def holds_the_ids(folder: Path) -> bool:
    for place in PLACES:
        try:
            text = (folder / place).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if f'"{MARK}"' in text:
            return True
    return False


def is_here(ids: Iterable[str]) -> bool:
    """Whether the other pack has the ids, or will have them; said once in the log."""
    if is_loaded(ids):
        log.info("AnimateDiff Kit leaves AnimateDiff-Evolved's nodes to the pack that has them.")
        return True
    folder = folder_to_come()
    if folder is not None:
        log.info(
            "AnimateDiff Kit leaves AnimateDiff-Evolved's nodes to %s. Remove that folder, or add "
            ".disabled to its name, to have old workflows run with this pack.",
            folder,
        )
    return folder is not None
