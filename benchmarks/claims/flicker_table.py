"""What ways of sampling come to, of those that flicker.py renders: a table of claim 1."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from .estimates import Estimate, quotient, quotient_of_medians
from .findings import Table
from .flicker import CLIPS, FIGURES, KINDS, PLAIN, REAL, ROWS, clip_of, job
from .lasting import LastingStudio, Ledger
from .page import tell_in_claim
from .quality import SEEDS, frechet_ratio, random_features
from .scenes import DEVELOPMENT, REPORT, cases
from .studio import ROOT, through_autoencoder

CLAIM, DOCS = 1, ROOT / "docs"
PAIRED = ("warp", "flow")


def tell(folder: Path) -> Table:
    """The table, which is written into claim 1 and its page."""
    found = table(folder)
    tell_in_claim(CLAIM, [found], DOCS)
    return found


def table(folder: Path) -> Table:
    """Of the clips that every row has; the last columns are held against the plain row, clip by
    clip, which is surer than the distance of two figures that each have an interval."""
    studio, ledger, found = LastingStudio(folder), Ledger(folder / FIGURES), cases(CLIPS, REPORT)
    kept: dict[str, list[Any]] = {}
    for row in (REAL, *ROWS):
        told = (job(studio, row, number, case) for number, case in enumerate(found))
        kept[row] = [ledger.get(one.name, one.made_by) for one in told]
    whole = [n for n in range(CLIPS) if all(kept[row][n] is not None for row in kept)]
    by_clip = [f"{KINDS[kind]}, of its plain clip's" for kind in PAIRED]
    rows = [["sampling", "clips", *KINDS.values(), "Frechet distance", *by_clip]]
    others = [through_autoencoder(case.real) for case in cases(len(whole), DEVELOPMENT)]
    target, floor = features(others), features([clip_of(studio, REAL, found[n]) for n in whole])
    for row in ROWS:
        ratios = [
            quotient_of_medians(*([kept[name][n][kind] for n in whole] for name in (row, REAL)))
            for kind in KINDS
        ]
        seen = features([clip_of(studio, row, found[n]) for n in whole])
        ratios.append(frechet_ratio(seen, floor, target))
        ratios += [
            quotient(*([kept[name][n][kind] for n in whole] for name in (row, PLAIN)))
            for kind in PAIRED
        ]
        rows.append([row, str(len(whole)), *map(ratio, ratios)])
    return Table("Flicker, of real clips'", rows)


def features(clips: Sequence[Tensor]) -> list[np.ndarray]:
    return [random_features(clips, seed) for seed in SEEDS]


def ratio(found: Estimate) -> str:
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
