"""How much clips flicker, by guidance, spacing of the steps and steps without the motion module:
claim 1's figures for ways of sampling the same models.

benchmarks/flicker.py renders them; flicker_table.py tells what they come to.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ...measures.flow import Pair, pairs
from .lasting import Job, LastingStudio, Ledger, go_on
from .quality import flow_and_error
from .scenes import REPORT, Case, cases
from .studio import ROOT, Shot, digest, through_autoencoder

CLIPS, BLOCK = 128, 16
REAL, PLAIN, FIGURES = "real", "as claim 1", "flicker.json"
ROWS: dict[str, dict[str, Any]] = {
    # of each Shot, beside the caption and the seed; sigmas
    PLAIN: {},
    "guided above 1": {"guided_above": 1.0},
    "guided above 3": {"guided_above": 3.0},
    "karras": {"scheduler": "karras"},
    "karras, guided above 1": {"scheduler": "karras", "guided_above": 1.0},
    "beta": {"scheduler": "beta"},
    "beta, guided above 1": {"scheduler": "beta", "guided_above": 1.0},
    "motion in every 2nd step": {"motion_every": 2},
    "motion in every 4th step": {"motion_every": 4},
}
CELL = 8  # pixels of one latent
MEASURED_BY = [Path(__file__), ROOT / "measures" / "flow.py"]
KINDS = {"cells": "cell means", "rest": "rest", "warp": "warp error", "flow": "flow"}


def shot(row: str, case: Case) -> Shot:
    return Shot(case.caption, case.seed, **ROWS[row])


def clip_of(studio: LastingStudio, row: str, case: Case) -> Tensor:
    """f h w 3; rendered where it is not there yet."""
    return through_autoencoder(case.real) if row == REAL else studio.render(shot(row, case))


def figures_of(clip: Tensor) -> dict[str, float]:
    flow, error = flow_and_error(clip)
    parts = [split(pair) for pair in pairs(clip)]
    cells, rest = (float(np.mean(part)) for part in zip(*parts, strict=True))
    return {"flow": flow, "warp": error, "cells": cells, "rest": rest}


def split(pair: Pair) -> tuple[float, float]:
    """What warping along the flow cannot explain, in two parts: means of cells as large as a
    latent, which are brightness that wavers, and the rest of it; mean sizes, in 0..1."""
    cv2: Any = importlib.import_module("cv2")
    height, width = pair.flow.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    at = x + pair.flow[..., 0], y + pair.flow[..., 1]
    warped = cv2.remap(pair.second, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    left = (warped - pair.first).reshape(height // CELL, CELL, width // CELL, CELL, 3)
    means = left.mean((1, 3), keepdims=True)
    return float(abs(means).mean()), float(abs(left - means).mean())


def jobs(studio: LastingStudio, found: Sequence[Case]) -> Iterator[Job]:
    """A block of clips in every row before the next block."""
    for begin in range(0, len(found), BLOCK):
        for row in (REAL, *ROWS):
            for number, case in list(enumerate(found))[begin : begin + BLOCK]:
                yield job(studio, row, number, case)


def job(studio: LastingStudio, row: str, number: int, case: Case) -> Job:
    made = REAL if row == REAL else studio.file(shot(row, case)).stem
    made_by = [made, *map(digest, MEASURED_BY)]
    return Job(f"{row} / {number}", made_by, lambda: figures_of(clip_of(studio, row, case)))


def render(folder: Path, hours: float) -> None:
    studio = LastingStudio(folder)
    go_on(jobs(studio, cases(CLIPS, REPORT)), Ledger(folder / FIGURES), hours)
