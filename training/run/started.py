"""A run of `train.py` in a process of its own, started by a program that goes on meanwhile.

    started.json    in the run's folder: the process, and how many steps it is to take
    train.log       what it says

What is known of it lies in its folder alone, so that whoever comes later knows it too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from ..files.atomic import write_atomic
from .process_mark import living, mark_of
from .run_log import ABOUT, STOP, read_about

SCRIPT = Path(__file__).resolve().parents[2] / "train.py"

STARTED, SAID = "started.json", "train.log"

OF_RANKS = re.compile(
    r"((LOCAL|GROUP|ROLE)_)?(RANK|WORLD_SIZE)|ROLE_NAME|MASTER_(ADDR|PORT)|TORCHELASTIC_\w+"
    r"|(PMI|PMIX|OMPI_COMM_WORLD|MV2_COMM_WORLD)_\w+|MPI_LOCAL(RANKID|NRANKS)"
)
"""Variables of torchrun and of MPI's launchers, by which Accelerate joins other processes."""

TAIL = 1 << 16
"""Bytes at the end of train.log that hold the error it ends with."""


def start(
    config: Path, folder: Path, steps: int, resume: bool, environment: Mapping[str, str]
) -> None:
    """Start the run of a TOML file, which ends with this process.

    folder: the run's;   environment: variables beside this process's own, of
    which it takes none that make it one of several ranks. Raises OSError where the
    folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STOP).unlink(missing_ok=True)
    command = [sys.executable, str(SCRIPT), str(config), "--leash", *["--resume"][: int(resume)]]
    with (folder / SAID).open("wb") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**alone(os.environ), **environment},
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=os.name != "nt",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    # the thread keeps the pipe open, and takes the process's end
    threading.Thread(target=process.wait, name=f"the run {folder.name}", daemon=True).start()
    about = {"process": mark_of(psutil.Process(process.pid)), "steps": steps}
    write_atomic(folder / STARTED, lambda beside: beside.write_text(json.dumps(about), "utf-8"))


def alone(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what says that a process is one of several: a run that a rank of a
    server starts would wait for others, which nobody starts."""
    return {name: value for name, value in environment.items() if not OF_RANKS.fullmatch(name)}


def started(folder: Path) -> dict[str, Any]:
    """process, steps; empty of a run that was not started so."""
    return read_about(folder / STARTED)


def worker(folder: Path) -> psutil.Process | None:
    """The process that was started for a run, while it lives."""
    return living(started(folder).get("process"))


def is_before_its_first_step(folder: Path) -> bool:
    """Whether the process that was started has not come to train yet: it loads, or encodes."""
    return read_about(folder / ABOUT).get("process") != started(folder).get("process")


def last_lines(folder: Path) -> list[str]:
    """What the process said last, at most TAIL bytes; empty where there is nothing."""
    try:
        with (folder / SAID).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
