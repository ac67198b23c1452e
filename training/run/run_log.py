"""What a run leaves in its folder for people and for the page, beside its checkpoints.

    log.csv               a row for each step: step, loss, smoothed, rate, seconds; and where the
                          run was looked at, its loss on clips held out and its previews' means
    run.json              its name, stage and steps; whether it works, how it ended, and what was
                          changed when it was resumed
    preview-<step>.webp   what the weights drew
    stop                  asks it to end after this step and to write its file

Rows are appended whole, in one write. Each column is found by its name, so more may follow.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from ..engine.loop import Report, Run
from ..engine.processes import OneProcess, Processes
from ..files.atomic import write_atomic
from .loss_plot import last_smoothed
from .process_mark import this_process

log = logging.getLogger(__name__)

LOG, ABOUT, STOP, WEIGHTS = "log.csv", "run.json", "stop", "weights"

HELD_OUT = tuple(f"held_out_{part}" for part in range(1, 9))
"""The loss on clips that are held out in each eighth of the noise schedule, the weakest first."""

MEANS = ("flow", "warp_error", "flow_share", "warp_share", "pan", "tilt", "zoom", "roll")
"""Of the previews of a look, as looks.PreviewFigures has them."""

COLUMNS: tuple[str, ...] = (
    *("step", "loss", "smoothed", "rate", "seconds"),
    *("held_out", *HELD_OUT, *MEANS),
)
"""seconds: of training up to here, those before a resume too; empty where they are not known."""

TAIL = 1024
"""Bytes at the end of a log that hold its last row."""

RUNNING, FINISHED, KEPT, STOPPED = "running", "finished", "kept", "stopped"
"""The states of a run. Kept: its user ended it early and it wrote its file; stopped: it left a
checkpoint alone."""


class StoppedToKeep(Exception):
    """The run ends here and writes its file: its user asked for it, or a stop rule holds.
    rule: which"""

    def __init__(self, what: str, rule: str = "") -> None:
        super().__init__(what)
        self.rule = rule


def read_rows(folder: Path) -> list[dict[str, str]]:
    """The log's rows, by their columns' names; a last one that is not whole is left out."""
    try:
        text = (folder / LOG).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    return list(csv.DictReader(io.StringIO(whole)))


def last_row(folder: Path) -> dict[str, str]:
    """The last whole row, without reading those before it; empty where there is none."""
    try:
        with (folder / LOG).open("rb") as file:
            header = file.readline()
            file.seek(max(len(header), file.seek(0, os.SEEK_END) - TAIL))
            lines = file.read().decode(errors="replace")
    except FileNotFoundError:
        return {}
    whole = lines[: lines.rfind("\n") + 1].splitlines()
    return next(csv.DictReader([header.decode(), *whole[-1:]]), {})


def as_lines(rows: Iterable[Mapping[str, Any]], header: bool = False) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def append(path: Path, line: str) -> None:
    """In one write, so that a reader never sees half of it behind another's."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def preview_name(step: int) -> str:
    return f"preview-{step:08d}.webp"


PREVIEW = re.compile(r"preview-(\d+)\.webp")


def previews_in(folder: Path) -> list[int]:
    """The steps that have a preview, in their order."""
    names = (PREVIEW.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(name[1]) for name in names if name)


def save_preview(folder: Path, step: int, pictures: list[Image.Image]) -> None:
    first, *rest = pictures
    path = folder / preview_name(step)
    save: dict[str, Any] = dict(save_all=True, append_images=rest, duration=125, loop=0, quality=85)
    write_atomic(path, lambda beside: first.save(beside, format="WEBP", **save))


class RunLog:
    """A watcher that writes the log, and knows the folder, but not the run, whose memory it would
    hold.

    What cannot be written is told once; it is no reason to end a run.
    """

    def __init__(self, run: Run, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder, self.losses, self.begun_at = run.folder, run.losses, run.step
        self.about: dict[str, Any] = {
            "name": name,
            "stage": run.loss.trainee.stage,
            "steps": run.settings.steps,
            "process": this_process(),
        }
        earlier = read_about(run.folder / ABOUT) if run.step else {WEIGHTS: ""}
        self.about.update({WEIGHTS: earlier[WEIGHTS]} if WEIGHTS in earlier else {})
        if changes := [*earlier.get("changes", []), *run.changes]:
            self.about["changes"] = changes
        self.clock, self.start, self.before = clock, clock(), 0.0
        self.works, self.begun = True, False
        self.figures: dict[str, str] = {}

    def note(self, step: int, figures: Mapping[str, str]) -> None:
        """More columns of a step's row, which is written next."""
        self.figures = {**figures, "step": str(step)}

    def __call__(self, report: Report) -> None:
        with self.told_of_once():
            if not self.begun:
                self.begin()
            append(self.folder / LOG, as_lines([self.row(report)]))

    def begin(self) -> None:
        """The log up to where the run goes on: later rows are of steps that are taken again."""
        self.begun = True
        earlier = {row["step"]: row for row in read_rows(self.folder)}
        rows = [
            earlier.get(str(i + 1), {"step": i + 1, "loss": f"{loss:.6g}"})
            for i, loss in enumerate(self.losses[: self.begun_at])
        ]
        self.before = float((rows[-1].get("seconds") if rows else "") or 0.0)
        (self.folder / STOP).unlink(missing_ok=True)
        self.write(LOG, as_lines(rows, header=True))
        self.tell(RUNNING)

    def row(self, report: Report) -> dict[str, Any]:
        figures, self.figures = self.figures, {}
        return {
            **figures,
            "step": report.step,
            "loss": f"{report.loss:.6g}",
            "smoothed": f"{last_smoothed(self.losses):.6g}",
            "rate": f"{report.rate:.6g}",
            "seconds": f"{self.before + self.clock() - self.start:.3f}",
        }

    def tell(self, state: str, file: str = "", rule: str = "") -> None:
        """Note how it stands with the run.   rule: the stop rule that ended it"""
        with self.told_of_once():
            about = {**self.about, "state": state, "file": file, "step": len(self.losses)}
            about.update({"rule": rule} if rule else {})
            self.write(ABOUT, json.dumps(about))

    def broken_off(self) -> None:
        """Note that it ended without a file, if it took a step at all."""
        if self.begun:
            self.tell(STOPPED)

    def write(self, name: str, text: str) -> None:
        write_atomic(self.folder / name, lambda beside: beside.write_text(text, encoding="utf-8"))

    @contextmanager
    def told_of_once(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self.works:
                log.warning(
                    "The log of the run %s cannot be written (%s). Training goes on without it; "
                    "make room there.",
                    self.folder.name,
                    error.strerror,
                )
            self.works = False


def read_about(path: Path) -> dict[str, Any]:
    """What a run's JSON file says; nothing where it is missing or damaged."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


class StopToKeep:
    """A watcher that ends the run where its folder holds the file `stop`. The first process looks,
    and all end after the same step."""

    def __init__(self, folder: Path, processes: Processes | None = None) -> None:
        self.stop, self.processes = folder / STOP, processes or OneProcess()

    def __call__(self, report: Report) -> None:
        if self.processes.any_of(self.processes.rank == 0 and self.stop.exists()):
            self.stop.unlink(missing_ok=True)
            raise StoppedToKeep(f"Stopped after step {report.step}.")


def number(text: str | None) -> float:
    """Of a column; NaN where it says none."""
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
