"""Clips that take days to render, kept for as long, and figures of them that are kept beside."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ...measures.flow import opencv
from ...sampling.views.plan import views_of
from ...sampling.windows import WindowSettings
from ...training.run.in_terminal import log_of_one_process
from .studio import Shot, Studio

log = logging.getLogger(__name__)

QUIET = ("motion_models", "sampling")  # parts of the pack that have something to say of every clip


@dataclass
class LastingStudio(Studio):
    """Keeps clips under the windows and weights of every step, whatever else of the pack's code
    changes. What changes their arithmetic in another way needs another folder."""

    def code(self, shot: Shot) -> list[Any]:
        return [] if shot.windows is None else plan_of(shot.windows, shot.frames, shot.steps)


def plan_of(settings: WindowSettings, frames: int, steps: int) -> list[Any]:
    """Which windows are sampled in each step, and how much each counts."""
    plans = (views_of(frames, settings, step) for step in range(steps))
    return [[plan.windows, [[round(s, 9) for s in part] for part in plan.shares]] for plan in plans]


class Ledger:
    """Figures in a JSON file, each with what it was made by: a row that was made otherwise is not
    there.   earlier: files of the same kind that are only read; a row of a later one counts"""

    def __init__(self, path: Path, *earlier: Path) -> None:
        self.path = path
        self.rows: dict[str, Any] = {}
        for one in (*earlier, path):
            if one.is_file():
                self.rows |= json.loads(one.read_text(encoding="utf-8"))

    def get(self, name: str, made_by: list[str]) -> Any:
        row = self.rows.get(name)
        return row["figures"] if row is not None and row["made_by"] == made_by else None

    def put(self, name: str, made_by: list[str], figures: Any) -> None:
        """Written at once, whole or not at all."""
        self.rows[name] = {"made_by": made_by, "figures": figures}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.rows, indent=1), encoding="utf-8")
        partial.replace(self.path)


class Job(NamedTuple):
    """A row of the ledger: its name, what its figures are made by, and how."""

    name: str
    made_by: list[str]
    make: Callable[[], Any]


def go_on(jobs: Iterable[Job], ledger: Ledger, hours: float) -> None:
    """Does what the ledger has not, in order, and begins nothing after these hours."""
    ends = time.monotonic() + 3600 * hours
    opencv()  # what is missing is told now
    for part in QUIET:
        logging.getLogger(f"animatediff_kit.{part}").setLevel(logging.WARNING)
    with log_of_one_process():
        for job in jobs:
            if time.monotonic() > ends:
                break
            if ledger.get(job.name, job.made_by) is None:
                ledger.put(job.name, job.made_by, job.make())
                log.info("%s: %s", job.name, ledger.rows[job.name]["figures"])
