"""The list of runs that the page asks for again and again: of those that do not work, each is read
once and again only after one of its files has changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..engine.checkpoints import NAME
from .run_list import about, is_run
from .run_log import ABOUT, LOG, RUNNING
from .started import SAID, STARTED

Stamp = frozenset[tuple[str, int, int, int]]
"""Of each file that tells of a run: its name, time of the last change in ns, size, place on the
disk."""

READ = {ABOUT, LOG, STARTED, SAID}


class KeptList:
    """Belongs to one server; folders that are gone are forgotten."""

    def __init__(self) -> None:
        self.known: dict[Path, tuple[Stamp, dict[str, Any]]] = {}

    def runs(self, root: Path) -> list[dict[str, Any]]:
        """What run_list.about tells of every run below `root`, the newest first."""
        folders = [path for path in root.iterdir() if is_run(path)] if root.is_dir() else []
        before, self.known = self.known, {}
        told = [self.told(folder, before.get(folder)) for folder in folders]
        return sorted(told, key=lambda run: run["changed"], reverse=True)

    def told(self, folder: Path, before: tuple[Stamp, dict[str, Any]] | None) -> dict[str, Any]:
        stamp = stamp_of(folder)  # before it is read: what changes meanwhile is read next time
        run = before[1] if before and before[0] == stamp else about(folder)
        if run["state"] != RUNNING:  # of one that works, a process's end tells too
            self.known[folder] = stamp, run
        return run


def stamp_of(folder: Path) -> Stamp:
    with os.scandir(folder) as entries:
        telling = [Path(e.path) for e in entries if e.name in READ or NAME.fullmatch(e.name)]
    states = ((path.name, path.stat()) for path in telling if path.exists())
    return frozenset((name, s.st_mtime_ns, s.st_size, s.st_ino) for name, s in states)
