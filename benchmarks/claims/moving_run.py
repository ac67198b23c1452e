"""Renders the rows of moving_windows.py for as long as it may, and tells what they come to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .lasting import Job, LastingStudio, Ledger, go_on
from .moving_tables import Kept, parts
from .moving_windows import (
    ROWS,
    figures_of,
    found_cases,
    jobs,
    label,
    made_by,
    shot_of,
    video,
)
from .page import printed, tell_in_claim
from .scenes import Case
from .studio import ROOT

DOCS = ROOT / "docs"
KEPT = DOCS / "proof" / "moving_windows.json"
FIGURES = "figures.json"
CLAIM = 6


def render(folder: Path, hours: float) -> int:
    """What is not there yet, until the time is over."""
    studio, found = LastingStudio(folder), found_cases()
    go_on((job(studio, found[one[-1]], *one) for one in jobs()), ledger_of(folder), hours)
    return 0


def ledger_of(folder: Path) -> Ledger:
    """With the figures that the docs keep, so that other machines go on without the videos."""
    return Ledger(folder / FIGURES, KEPT)


def job(studio: LastingStudio, case: Case, frames: int, steps: int, name: str, number: int) -> Job:
    row = ROWS[name]
    return Job(
        f"{label(frames, steps)} / {name} / {number}",
        made_by(studio, row, case, frames, steps),
        lambda: figures_of(video(studio, row, case, frames, steps), case, row),
    )


def measured(folder: Path) -> tuple[Kept, dict[str, Any]]:
    """Of the videos that are there, and their rows of the ledger; what other code has measured is
    measured anew."""
    studio, ledger, found = LastingStudio(folder), ledger_of(folder), found_cases()
    kept: Kept = {}
    ledger_rows: dict[str, Any] = {}
    for frames, steps, name, number in jobs():
        one = job(studio, found[number], frames, steps, name, number)
        shot = shot_of(ROWS[name], found[number], frames, steps)
        if studio.file(shot).is_file() and ledger.get(one.name, one.made_by) is None:
            ledger.put(one.name, one.made_by, one.make())
        figures = ledger.get(one.name, one.made_by)
        if figures is not None:
            rows = kept.setdefault(label(frames, steps), {}).setdefault(name, {})
            rows[str(number)] = figures
            ledger_rows[one.name] = ledger.rows[one.name]
    return kept, ledger_rows


def tell(folder: Path) -> int:
    """Prints the tables, and writes them into claim 6 and its page."""
    kept, ledger_rows = measured(folder)
    found = list(parts(kept))
    print("\n".join(map(printed, found)))
    KEPT.write_text(json.dumps(ledger_rows, indent=1) + "\n", encoding="utf-8")
    tell_in_claim(CLAIM, found, DOCS)
    return 0
