"""Which videos are rendered, and what is made of them: drawn ones pass both tests, controls fail
both."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from animatediff_kit.benchmarks.claims.claim_windows import LONG, LONGER, drawn_apart
from animatediff_kit.benchmarks.claims.findings import Figure, Table
from animatediff_kit.benchmarks.claims.moving_tables import parts
from animatediff_kit.benchmarks.claims.moving_windows import (
    DRAWN,
    ROWS,
    TELLING,
    VIDEOS,
    Figures,
    figures_of,
    found_cases,
    jobs,
    label,
)
from animatediff_kit.benchmarks.claims.studio import STEPS
from animatediff_kit.small_world.draw import clip_frames

APART, STATIC, SHIFTED = "drawn, windows each for itself", "static, overlap 4", "shifted, overlap 4"


def test_every_video_is_rendered_once_the_most_telling_first() -> None:
    found = list(jobs())
    assert len(found) == len(set(found))
    windowed = [name for name, row in ROWS.items() if row.windows]
    assert {(frames, steps) for frames, steps, *_ in found} == {
        (frames, steps) for frames in (LONG, LONGER) for steps in (4, 8, 20)
    }
    assert len(found) == VIDEOS * (6 * len(windowed) + 2 * (len(ROWS) - len(windowed)))
    first = found[: len(TELLING)]
    assert [name for _, _, name, _ in first] == list(TELLING)
    assert {job[:2] + job[3:] for job in first} == {(LONGER, STEPS, 0)}


def test_costs_are_those_of_the_schedules() -> None:
    static = ROWS[STATIC].calls(LONGER, STEPS)
    assert ROWS[SHIFTED].calls(LONGER, STEPS) <= 1.05 * static
    assert ROWS["shifted, overlap 0"].calls(LONGER, STEPS) <= 0.82 * static
    assert ROWS["views, overlap 4"].calls(LONGER, STEPS) == LONGER / 16


def test_drawn_videos_pass_and_windows_for_themselves_fail_both_tests() -> None:
    case = found_cases()[3]  # its round passed for a seam once
    whole = figures_of(torch.from_numpy(clip_frames(case.scene, LONGER)), case, ROWS[DRAWN])
    apart = figures_of(drawn_apart(case, LONGER), case, ROWS[APART])
    assert whole["standing"] and whole["rhythm"]
    assert not apart["standing"] and not apart["rhythm"]
    assert whole["area"] < 0.02 and whole["colour"] < 0.02
    other = replace(case.scene, colour="red" if case.scene.colour != "red" else "blue")
    clip = clip_frames(case.scene, LONG)
    clip[32:] = clip_frames(other, LONG)[32:]
    changed = figures_of(torch.from_numpy(clip), case, ROWS[DRAWN])
    assert changed["colour"] is None or changed["colour"] > 0.2


def figures(seen: bool, departure: float = 1.0) -> Figures:
    """Of a video in which a seam is seen by both tests, or by none."""
    return {
        "standing": not seen,
        "standing_effect": 0.3 * seen,
        "rhythm": not seen,
        "rhythm_effect": 0.3 * seen,
        "departure": departure,
        "flow": 2.0,
        "warp": 0.01,
        "area": 0.1,
        "colour": 0.05,
    }


def told(seams: dict[str, int], videos: int = VIDEOS) -> dict[str, Figure]:
    """seams: by row, in how many videos a seam is seen"""
    kept = {
        name: {str(i): figures(i < count, 1.0 + (name != DRAWN)) for i in range(videos)}
        for name, count in seams.items()
    }
    found = list(parts({label(LONGER, STEPS): kept}))
    (table,) = (part for part in found if isinstance(part, Table))
    rows = {row[0]: dict(zip(table.rows[0], row, strict=True)) for row in table.rows[1:]}
    assert rows[SHIFTED]["videos"] == str(videos)
    assert rows[SHIFTED]["departure of drawn"].startswith("2.00")
    return {part.name: part for part in found if isinstance(part, Figure)}


@pytest.mark.parametrize(("seams", "holds"), [(1, True), (2, False)])
def test_lines_are_those_that_were_asked(seams: int, holds: bool) -> None:
    found = told({DRAWN: 0, APART: VIDEOS, STATIC: 9, SHIFTED: seams})
    assert found[f"256 frames, {SHIFTED}: no seam by either"].holds is holds
    assert found[f"256 frames, {SHIFTED}: UNet calls, of static ones'"].holds
    assert found[f"256 frames, {DRAWN}: no seam by the rhythm"].holds
    control = found[f"256 frames, {APART}: no seam by the borders"]
    assert control.control and control.holds


def test_half_a_row_is_held_against_no_line() -> None:
    assert not told({DRAWN: 0, SHIFTED: 0}, VIDEOS // 2)
