"""Marks of processes, by which a run's folder tells whether the one that trains it still lives."""

from __future__ import annotations

import os

import psutil

from ..files.atomic import this_machine

EXACT = 0.02
"""Seconds within which two starting times are one."""


def this_process() -> str:
    """A mark of this process, that no other has had."""
    return mark_of(psutil.Process())


def mark_of(process: psutil.Process) -> str:
    return f"{this_machine()}-{process.pid}-{process.create_time():.2f}"


def living(mark: object) -> psutil.Process | None:
    """The process of this computer that a mark is of; None where it is gone, or never was."""
    machine, _, rest = str(mark).partition("-")
    number, _, created = rest.partition("-")
    try:
        process = psutil.Process(int(number))
        is_same = machine == this_machine() and abs(process.create_time() - float(created)) < EXACT
        ended = process.status() == psutil.STATUS_ZOMBIE and process.pid != os.getpid()
        return process if is_same and not ended else None
    except (ValueError, OverflowError, psutil.Error):
        return None
