"""Windows that move, beside those that stand: rows of claim 6 that take days of two cores, and
what is measured of each of their videos.

benchmarks/moving_windows.py renders them, most telling first; moving_tables.py tells what they come
to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...measures.motion_measures import measure_motion
from ...measures.seam_rhythm import seam_rhythm
from ...measures.seams import measure_seams, motion_departures, seams_of
from ...sampling.windows import SHIFTED, SHIFTED_VIEWS, VIEWS, WindowSettings, windows_of
from ...small_world.draw import clip_frames
from ...small_world.motions import FRAMES, ORBIT_PERIOD
from .claim_windows import BATCHED, LASTING, LONG, LONGER, OVERLAP, STILL_FLOW, drawn_apart
from .lasting import LastingStudio
from .scenes import REPORT, Case, cases
from .studio import ROOT, STEPS, Shot, digest, through_autoencoder
from .tracks import track

VIDEOS = 16
MEASURED_BY = [
    *(ROOT / "measures" / f"{name}.py" for name in ("seam_rhythm", "seams", "motion_measures")),
    Path(__file__),
]


@dataclass(frozen=True)
class Row:
    """windows: None for drawn videos, which are `made` of a scene; control: must be refused by both
    tests; distance: from one window to the next"""

    windows: WindowSettings | None
    made: Callable[[Case, int], Tensor] | None = None
    control: bool = False

    @property
    def judged_by(self) -> WindowSettings:
        """The windows at whose borders seams are looked for."""
        if self.windows is not None:
            return self.windows
        return BATCHED if self.control else STATIC

    @property
    def distance(self) -> int:
        return self.judged_by.length - self.judged_by.overlap

    def calls(self, frames: int, steps: int) -> float:
        """Of the UNet in a step, the mean, in calls of a window's frames; in views each frame goes
        through the spatial layers once."""
        if self.windows is None:
            return 0.0
        if self.windows.inside_motion:
            return frames / FRAMES
        found = (windows_of(frames, self.windows, step) for step in range(steps))
        return float(np.mean([sum(map(len, windows)) / FRAMES for windows in found]))


def windowed(schedule: str, overlap: int = OVERLAP, fuse: str = "pyramid") -> WindowSettings:
    return WindowSettings(FRAMES, overlap, schedule=schedule, fuse=fuse)


def drawn(case: Case, frames: int) -> Tensor:
    return through_autoencoder(torch.from_numpy(clip_frames(case.scene, frames)))


STATIC = windowed("standard_static")
DRAWN, FIRST = "drawn", ("shifted, overlap 4", "static, overlap 4", "shifted, overlap 0")
ROWS = {
    DRAWN: Row(None, drawn),
    "drawn, windows each for itself": Row(
        None, lambda case, frames: through_autoencoder(drawn_apart(case, frames)), True
    ),
    "batched, overlap 0": Row(BATCHED, control=True),
    "static, overlap 4": Row(STATIC),
    "static, overlap 8": Row(windowed("standard_static", 2 * OVERLAP)),
    "uniform, overlap 4": Row(windowed("standard_uniform")),
    "shifted, overlap 4": Row(windowed(SHIFTED)),
    "shifted, overlap 2": Row(windowed(SHIFTED, 2)),
    "shifted, overlap 0": Row(windowed(SHIFTED, 0)),
    "shifted, overlap 4, relative": Row(windowed(SHIFTED, fuse="relative")),
    "views, overlap 4": Row(windowed(VIEWS)),
    "views shifted, overlap 4": Row(windowed(SHIFTED_VIEWS)),
}
TELLING = (DRAWN, "drawn, windows each for itself", *FIRST, "batched, overlap 0")
ORDER = [
    (LONGER, STEPS, TELLING),
    (LONGER, STEPS, tuple(ROWS)),
    (LONG, STEPS, tuple(ROWS)),
    *((frames, steps, tuple(ROWS)) for steps in (8, 4) for frames in (LONGER, LONG)),
]
"""What is rendered first; within each, a video in all rows before the next one, so that a stopped
run has pairs."""


def jobs() -> Iterator[tuple[int, int, str, int]]:
    """frames, steps, row and number of each video, in the order of ORDER; none twice."""
    done: set[tuple[int, int, str, int]] = set()
    for frames, steps, names in ORDER:
        for number in range(VIDEOS):
            for name in names:
                told = STEPS if ROWS[name].windows is None else steps
                job = (frames, told, name, number)
                if job not in done:
                    done.add(job)
                    yield job


def found_cases() -> list[Case]:
    return cases(VIDEOS, REPORT, LASTING)


def label(frames: int, steps: int) -> str:
    return f"{frames} frames, {steps} steps"


def shot_of(row: Row, case: Case, frames: int, steps: int) -> Shot:
    return Shot(case.caption, case.seed, frames=frames, windows=row.windows, steps=steps)


def made_by(studio: LastingStudio, row: Row, case: Case, frames: int, steps: int) -> list[str]:
    """What the figures of a video are kept under: the clip's name, and the code that measures."""
    clip = studio.file(shot_of(row, case, frames, steps)).stem
    return [clip, *map(digest, MEASURED_BY)]


def video(studio: LastingStudio, row: Row, case: Case, frames: int, steps: int) -> Tensor:
    """f h w 3; rendered where it is not there yet."""
    if row.made is not None:
        return row.made(case, frames)
    return studio.render(shot_of(row, case, frames, steps))


Figures = dict[str, Any]


def figures_of(clip: Tensor, case: Case, row: Row) -> Figures:
    """Of one video: both tests, how much it flickers and drifts."""
    frames, measures = len(clip), measure_motion(clip)
    flow = max(STILL_FLOW, float(np.linalg.norm(measures.cells, axis=-1).mean()))
    seams = seams_of(windows_of(frames, row.judged_by), frames)
    standing = measure_seams(measures, seams, flow)
    departures = motion_departures(measures.cells)
    rhythm = seam_rhythm(departures, row.distance, flow, int(ORBIT_PERIOD))
    return {
        "standing": bool(standing.passes),
        "standing_effect": standing.motion.effect,
        "rhythm": bool(rhythm.passes),
        "rhythm_effect": rhythm.effect,
        "departure": float(departures.mean()),
        "flow": flow,
        "warp": float(np.nanmean(measures.warp_error)),
        **drift(clip, case),
    }


def drift(clip: Tensor, case: Case) -> Figures:
    """How much the thing's area differs between the first and the last 16 frames, as a share of the
    first; and its colour, in 0..1. None where it is lost."""
    seen = track(clip, case.scene)
    first, last = slice(None, FRAMES), slice(-FRAMES, None)
    if not (seen.seen[first].any() and seen.seen[last].any()):
        return {"area": None, "colour": None}
    areas, colours = (
        [np.nanmean(values[part], axis=0) for part in (first, last)]
        for values in (seen.area, seen.colour)
    )
    area = abs(areas[1] / areas[0] - 1)
    return {"area": float(area), "colour": float(np.linalg.norm(colours[1] - colours[0]))}
