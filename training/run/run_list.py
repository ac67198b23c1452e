"""The runs that lie on the disk, as the page's panel shows them: read from their folders alone, so
that a page that is loaded anew shows all of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..engine.checkpoints import found
from .errors_in_words import last_error
from .log_reader import read_log
from .look_files import read_looks
from .look_plot import charts_of
from .loss_plot import binned
from .process_mark import living
from .run_log import (
    ABOUT,
    LOG,
    RUNNING,
    STOP,
    STOPPED,
    last_row,
    number,
    preview_name,
    previews_in,
    read_about,
)
from .started import STARTED, is_before_its_first_step, last_lines, started, worker

POINTS = 240
"""Of a curve."""


def run_names(root: Path) -> list[str]:
    """The folders of runs that wrote something, the newest first. A link is none."""
    if not root.is_dir():
        return []
    folders = [path for path in root.iterdir() if is_run(path)]
    return [path.name for path in sorted(folders, key=changed, reverse=True)]


def is_run(folder: Path) -> bool:
    if not folder.name.isprintable() or folder.is_symlink() or not folder.is_dir():
        return False
    return any((folder / name).is_file() for name in (ABOUT, STARTED)) or bool(found(folder))


def changed(folder: Path) -> float:
    """When something was written last, in seconds of the clock."""
    files = [folder / LOG, folder / ABOUT, folder / STARTED, *found(folder)]
    return max(path.stat().st_mtime for path in files if path.is_file())


def folder_of(root: Path, name: str) -> Path | None:
    """The folder of a run by its name, which leads nowhere but to a folder right below."""
    alone = name == Path(name).name and name not in ("", ".", "..")
    return root / name if alone and is_run(root / name) else None


def about(folder: Path) -> dict[str, Any]:
    """name, stage, steps, step, state, file of a run, and the stop rule that ended it. One that
    says it works, though its process is gone, has stopped."""
    told = read_about(folder / ABOUT)
    checkpoints = found(folder)
    reached = int(checkpoints[-1].stem.split("-")[1]) if checkpoints else 0
    return {
        "run": folder.name,
        "stage": told.get("stage", ""),
        "file": told.get("file", ""),
        "rule": told.get("rule", ""),
        "error": error_of(folder),
        "steps": told.get("steps") or started(folder).get("steps") or reached,
        "step": int(last_row(folder).get("step") or told.get("step") or reached),
        "state": RUNNING if worker(folder) else state_of(told),
        "resumable": bool(checkpoints),
        "changed": changed(folder),
    }


def state_of(told: dict[str, Any]) -> str:
    """A run works if the process that says so of it still lives."""
    state = told.get("state", STOPPED)
    return STOPPED if state == RUNNING and living(told.get("process")) is None else state


def error_of(folder: Path) -> str:
    """Why the process that was started for a run has ended, if by an error."""
    return last_error(last_lines(folder)) if worker(folder) is None else ""


def ask_to_keep(folder: Path) -> bool:
    """Ask a run to end after its step and to write its file. -> whether it works, so that it
    will. One in a process of its own that has not come to its first step yet has nothing to keep
    but encoded clips, and ends at once."""
    if about(folder)["state"] != RUNNING:
        return False
    process = worker(folder)
    if process is not None and is_before_its_first_step(folder):
        process.terminate()
        return True
    (folder / STOP).touch()
    return True


def details(folder: Path) -> dict[str, Any]:
    """A run with its curve, speed and previews."""
    log, previews = read_log(folder), previews_in(folder)
    known = about(folder)
    last = log.recent[-1] if log.recent else {}
    step = int(number(last.get("step"))) if last else known["step"]
    speed = steps_a_second(log.recent)
    return {
        **known,
        "step": step,
        "loss": finite(number(last.get("loss"))),
        "smoothed": finite(number(last.get("smoothed"))),
        "rate": finite(number(last.get("rate"))),
        "seconds": finite(number(last.get("seconds"))),
        "speed": finite(speed),
        "left": finite(max(known["steps"] - step, 0) / speed if speed > 0 else math.nan),
        "stopping": (folder / STOP).exists(),
        "curve": curve(log.losses),
        "previews": previews,
        "previews_changed": [preview_changed(folder, step) for step in previews],
        "charts": charts(folder, step),
    }


def charts(folder: Path, step: int) -> list[dict[str, Any]]:
    """What was seen of a run up to a step: lines over the steps, by the keys of look_plot.NAMES."""
    return [
        {
            "key": chart.key,
            "steps": chart.steps,
            "lines": {key: [finite(v) for v in line] for key, line in chart.lines.items()},
        }
        for chart in charts_of(read_looks(folder, step))
    ]


def steps_a_second(rows: list[dict[str, str]]) -> float:
    """Of these rows; NaN where they do not tell."""
    last = [number(row.get("seconds")) for row in rows]
    times = [time for time in last if not math.isnan(time)]
    passed = times[-1] - times[0] if len(times) > 1 else 0.0
    return (len(times) - 1) / passed if passed > 0 else math.nan


def curve(losses: list[float]) -> dict[str, list[Any]]:
    """The lowest, highest and smoothed loss of some POINTS parts of the run, each with its last
    step."""
    if not losses:
        return {"steps": [], "low": [], "high": [], "smoothed": []}
    bins = binned(losses, POINTS)
    return {
        "steps": bins.steps.tolist(),
        "low": [finite(value) for value in bins.lows.tolist()],
        "high": [finite(value) for value in bins.highs.tolist()],
        "smoothed": [finite(value) for value in bins.means.tolist()],
    }


def preview_changed(folder: Path, step: int) -> float:
    """When a preview was written, in seconds of the clock: a run that is resumed before that step
    writes it anew."""
    path = preview_file(folder, step)
    return path.stat().st_mtime if path is not None else 0.0


def preview_file(folder: Path, step: int) -> Path | None:
    path = folder / preview_name(step)
    return path if path.is_file() and not path.is_symlink() else None


def finite(value: float) -> float | None:
    """JSON knows no NaN."""
    return value if math.isfinite(value) else None
