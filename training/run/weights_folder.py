"""Where a run's weights files on the way lie: a folder that no other run writes into.

Runs may share the folder of models, while each server has an output folder of its own, and the
folder of an earlier run of that name may still lie there. So a run makes its folder by itself, and
its record (run.json) says which one it is.
"""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path

from .run_log import RUNNING, WEIGHTS, RunLog


def own_folder(wanted: Path, record: RunLog) -> Path:
    """`wanted`, or with a number behind where another run has it; made at the first call. Raises
    OSError where it cannot be made."""
    noted = record.about.get(WEIGHTS)  # "" while it has none
    if noted is None and wanted.is_dir():
        noted = wanted.name  # the run began in a version that noted none, and this was its folder
    if noted:
        return wanted.with_name(noted)
    wanted.parent.mkdir(parents=True, exist_ok=True)
    numbered = (wanted.with_name(f"{wanted.name}_{number}") for number in count(2))
    made = next(folder for folder in chain([wanted], numbered) if made_by_us(folder))
    record.about[WEIGHTS] = made.name
    record.tell(RUNNING)
    return made


def made_by_us(folder: Path) -> bool:
    """To look and to make it is one act: of two processes one gets it."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True
