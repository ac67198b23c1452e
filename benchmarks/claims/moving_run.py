"""Renders the rows of moving_windows.py for as long as it may, and tells what they come to."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

from ...measures.flow import opencv
from ...training.run.in_terminal import log_of_one_process
from .findings import Figure, Part, Table, load, save
from .lasting import LastingStudio, Ledger
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
from .page import told, write_page
from .studio import ROOT

log = logging.getLogger(__name__)

DOCS = ROOT / "docs"
KEPT = DOCS / "proof" / "moving_windows.json"
QUIET = ("motion_models", "sampling")  # parts of the pack that have something to say of every clip
CLAIM = 6


def render(folder: Path, hours: float) -> int:
    """What is not there yet, until the time is over."""
    studio, ledger = LastingStudio(folder), Ledger(folder / "figures.json")
    found, ends = found_cases(), time.monotonic() + 3600 * hours
    opencv()
    for part in QUIET:
        logging.getLogger(f"animatediff_kit.{part}").setLevel(logging.WARNING)
    with log_of_one_process():
        for frames, steps, name, number in jobs():
            if time.monotonic() > ends:
                break
            row, case = ROWS[name], found[number]
            by, key = made_by(studio, row, case, frames, steps), place(frames, steps, name, number)
            if ledger.get(key, by) is None:
                figures = figures_of(video(studio, row, case, frames, steps), case, row)
                ledger.put(key, by, figures)
                log.info("%s: %s", key, figures)
    return 0


def place(frames: int, steps: int, name: str, number: int) -> str:
    return f"{label(frames, steps)} / {name} / {number}"


def measured(folder: Path) -> Kept:
    """Of the videos that are there; what other code has measured is measured anew."""
    studio, ledger, found = LastingStudio(folder), Ledger(folder / "figures.json"), found_cases()
    kept: Kept = {}
    for frames, steps, name, number in jobs():
        row, case = ROWS[name], found[number]
        by, key = made_by(studio, row, case, frames, steps), place(frames, steps, name, number)
        figures = ledger.get(key, by)
        if figures is None and studio.file(shot_of(row, case, frames, steps)).is_file():
            figures = figures_of(video(studio, row, case, frames, steps), case, row)
            ledger.put(key, by, figures)
        if figures is not None:
            rows = kept.setdefault(label(frames, steps), {}).setdefault(name, {})
            rows[str(number)] = figures
    return kept


def tell(folder: Path) -> int:
    """Prints the tables, and writes them into claim 6 and its page."""
    kept = measured(folder)
    found = list(parts(kept))
    print("\n".join(map(printed, found)))
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    findings = load(DOCS / "proof")
    for finding in findings:
        if finding.number == CLAIM:
            finding.replace(found)
            save(finding, DOCS / "proof")
    write_page(findings, DOCS / "proof.md", DOCS / "images" / "proof")
    return 0


def printed(part: Part) -> str:
    if isinstance(part, Table):
        head, *rows = part.rows
        lines = (f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
        return "\n".join(("", part.heading, "", *lines, ""))
    assert isinstance(part, Figure)
    verdict = {None: "", True: "holds", False: "missed"}[part.holds]
    return f"{part.name}: {told(part.estimate, part.unit)}  {part.line}  {verdict}"
