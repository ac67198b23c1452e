"""What windows that move come to, beside those that stand: tables of claim 6, and its lines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .claim_windows import LONG, LONGER, UNSEEN
from .estimates import Estimate, mean, quotient, share
from .findings import Figure, Part, Table, at_least, at_most, below, figure
from .moving_windows import DRAWN, FIRST, ROWS, VIDEOS, Figures, label
from .studio import STEPS

MOST_CALLS = {FIRST[0]: 1.05, FIRST[2]: 0.82}
"""UNet calls of shifted windows, of those of static ones that share four frames."""
MOST_SEEN = {FIRST[0]: 15 / 16, FIRST[2]: 12 / 16}
"""Of the videos, how many may show no seam by either test, and no fewer."""

Kept = dict[str, dict[str, dict[str, Figures]]]
"""By "256 frames, 20 steps", by row, and by the number of the video, its figures."""


def parts(kept: Kept) -> Iterator[Part]:
    """Of what was measured so far. Lines are held against full rows alone."""
    for steps in (STEPS, 8, 4):
        for frames in (LONGER, LONG):
            rows = rows_of(kept, frames, steps)
            if any(ROWS[name].windows for name in rows):
                yield table(rows, frames, steps)
                yield from lines(rows, frames, steps)


def rows_of(kept: Kept, frames: int, steps: int) -> dict[str, list[Figures]]:
    """Rows of two videos and more; drawn ones are those of any number of steps."""
    found = {}
    for name, row in ROWS.items():
        told = STEPS if row.windows is None else steps
        videos = kept.get(label(frames, told), {}).get(name, {})
        if len(videos) > 1:
            found[name] = [videos[number] for number in sorted(videos, key=int)]
    return found


HEAD = (
    "windows,videos,without seams,at the borders,in rhythm,effect in rhythm,"
    "departure of drawn,warp of drawn,area drifts,colour drifts,UNet calls a step"
).split(",")


def table(rows: dict[str, list[Figures]], frames: int, steps: int) -> Table:
    cells: list[list[str]] = [list(HEAD)]
    for name, found in rows.items():
        cells.append(
            [
                name,
                str(len(found)),
                percent(share([one["standing"] and one["rhythm"] for one in found])),
                percent(share([one["standing"] for one in found])),
                percent(share([one["rhythm"] for one in found])),
                signed(mean([one["rhythm_effect"] or 0.0 for one in found])),
                *(times(of_drawn(found, rows, kind)) for kind in ("departure", "warp")),
                *(drifted(found, kind) for kind in ("area", "colour")),
                f"{ROWS[name].calls(frames, steps):.1f}",
            ]
        )
    return Table(f"Windows that move: {label(frames, steps)}", cells)


def of_drawn(found: list[Figures], rows: dict[str, list[Figures]], kind: str) -> Estimate | None:
    """A figure of videos over that of drawn ones of the same scenes."""
    real = rows.get(DRAWN, [])[: len(found)]
    if len(real) < len(found):
        return None
    return quotient([one[kind] for one in found], [one[kind] for one in real])


def drifted(found: list[Figures], kind: str) -> str:
    values = [one[kind] for one in found if one[kind] is not None]
    return f"{np.mean(values):.2f}" if values else "-"


def percent(found: Estimate) -> str:
    return f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}]"


def signed(found: Estimate) -> str:
    return f"{found.value:+.0%} [{found.low:+.0%}, {found.high:+.0%}]"


def times(found: Estimate | None) -> str:
    return "-" if found is None else f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def lines(rows: dict[str, list[Figures]], frames: int, steps: int) -> Iterator[Figure]:
    """What was asked beforehand of 256 frames in 20 steps."""
    if (frames, steps) != (LONGER, STEPS):
        return
    full = {name: found for name, found in rows.items() if len(found) >= VIDEOS}
    for name, found in full.items():
        tests = {"the borders": "standing", "the rhythm": "rhythm"}
        for words, test in tests.items():
            line = below(UNSEEN) if ROWS[name].control else None
            line = at_least(UNSEEN) if name == DRAWN else line
            told = f"{frames} frames, {name}: no seam by {words}"
            hits = share([one[test] for one in found])
            yield figure(told, hits, line, "%", ROWS[name].control)
        if name in MOST_SEEN:
            both = share([one["standing"] and one["rhythm"] for one in found])
            told = f"{frames} frames, {name}: no seam by either"
            yield figure(told, both, at_least(MOST_SEEN[name]), "%")
            cost = ROWS[name].calls(frames, steps) / ROWS[FIRST[1]].calls(frames, steps)
            exact = Estimate(cost, cost, cost, len(found))
            told = f"{frames} frames, {name}: UNet calls, of static ones'"
            yield figure(told, exact, at_most(MOST_CALLS[name]))
