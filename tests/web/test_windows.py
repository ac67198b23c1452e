"""The windows that the page draws are those that are sampled."""

from __future__ import annotations

import dataclasses
import itertools
import random

import numpy as np
from adk_tests.web.node import needs_node, results
from animatediff_kit.sampling.fuse import FUSE_METHODS
from animatediff_kit.sampling.window_picture import shares
from animatediff_kit.sampling.windows import SCHEDULES, WindowSettings, windows_of

pytestmark = needs_node


def settings_of(seed: int) -> list[tuple[int, WindowSettings, int]]:
    """Frames, settings and a step: every schedule with every fuse method, at drawn sizes."""
    draw, found = random.Random(seed), []
    for schedule, fuse in itertools.product(SCHEDULES, FUSE_METHODS):
        for _ in range(12):
            length = draw.randint(1, 20)
            settings = WindowSettings(
                length,
                draw.randint(0, length - 1),
                draw.randint(1, 4),
                schedule,
                fuse,
                SCHEDULES[schedule].loops and draw.random() < 0.5,
                draw.random() < 0.5,
            )
            found.append(
                (draw.choice([1, length, draw.randint(2, 90)]), settings, draw.randint(0, 40))
            )
    return found


def test_windows_and_what_they_count() -> None:
    cases = settings_of(3)
    given = [[frames, dataclasses.asdict(settings), step] for frames, settings, step in cases]
    windows = results("timeline/windows.js", "m.windowsOf(...c)", given)
    with_windows = [[found, *case] for found, case in zip(windows, given, strict=True)]
    counts = results("timeline/fuse.js", "m.shares(...c)", with_windows)
    for (frames, settings, step), found, parts in zip(cases, windows, counts, strict=True):
        assert found == windows_of(frames, settings, step), (frames, settings, step)
        _, table = shares(frames, settings, step)
        for window, part, row in zip(found, parts, table, strict=True):
            np.testing.assert_allclose(part, row[window], rtol=1e-12, err_msg=str(settings))


def test_settings_that_cover_no_video_are_named() -> None:
    good = dataclasses.asdict(WindowSettings())
    changes = [
        {},
        dict(length=0),
        dict(overlap=16),
        dict(overlap=-1),
        dict(stride=0),
        dict(schedule="spiral"),
        dict(closed_loop=True),
        dict(closed_loop=True, schedule="looped_uniform"),
    ]
    found = results("timeline/windows.js", "m.wrongWith(c)", [{**good, **each} for each in changes])
    for change, sentence in zip(changes, found, strict=True):
        try:
            WindowSettings(**{**good, **change}).check()
            assert sentence == ""
        except ValueError:
            assert sentence != "", change
