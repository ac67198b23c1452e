"""Charts of what was seen of a run, as pictures and as the page has them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from animatediff_kit.training.engine.looks import Look, PreviewFigures
from animatediff_kit.training.run import run_list
from animatediff_kit.training.run.look_files import read_looks, write_looks
from animatediff_kit.training.run.look_plot import NAMES, charts_of, draw_chart, draw_looks
from animatediff_kit.training.run.run_log import HELD_OUT, LOG, as_lines

SEEN = PreviewFigures(7, 'a "cat", 2', 0.2, -0.1, 1.25, 9.0, 0.3, 1.5, 0.02, 0.75, math.nan)
HELD = tuple(part / 8 for part in range(8, 0, -1))
LOOKS = [
    Look(2, HELD, (SEEN, replace(SEEN, pan=0.4))),
    Look(4, tuple(part / 2 for part in HELD), (replace(SEEN, pan=0.5),)),
]


def test_charts_hold_the_means_of_each_look() -> None:
    held, shares, camera = charts_of(LOOKS)
    assert held.lines == {
        "all": [0.5625, 0.28125],
        "weakest": [1, 0.5],
        "strongest": [0.125, 0.0625],
    }
    assert shares.lines["flow"] == [0.75, 0.75] and math.isnan(shares.lines["warp_error"][0])
    assert np.allclose(camera.lines["pan"], [0.3, 0.5]) and camera.steps == (2, 4)
    assert camera.lines["zoom"] == [0.25, 0.25] and camera.lines["roll"] == [0.1, 0.1]
    keys = {chart.key for chart in (held, shares, camera)}
    assert keys | {key for c in (held, shares, camera) for key in c.lines} == {*NAMES}


def test_a_chart_is_drawn_and_nothing_is_nothing() -> None:
    assert draw_looks([], 10) is None and draw_looks([Look(2)], 10) is None
    whole = draw_looks(LOOKS, 10)
    one = draw_chart(charts_of(LOOKS)[2], 10)
    assert whole is not None and whole.size == (one.width, 3 * one.height)
    pixels = np.asarray(one).reshape(-1, 3)
    for colour in ((0x14, 0x67, 0xD6), (0xD6, 0x5A, 0x14), (0x1A, 0x98, 0x50), (0x80, 0x31, 0xA7)):
        assert (np.abs(pixels.astype(int) - colour).sum(1) < 12).sum() > 50


def test_the_page_is_given_what_was_written(tmp_path: Path) -> None:
    rows = [
        {"step": look.step, "loss": 1, **dict(zip(HELD_OUT, look.held_out, strict=True))}
        for look in LOOKS
    ]
    (tmp_path / LOG).write_text(as_lines(rows, header=True))
    write_looks(tmp_path, LOOKS)
    assert [look.step for look in read_looks(tmp_path, 3)] == [2]
    assert read_looks(tmp_path, 4)[1].held_out == LOOKS[1].held_out
    assert read_looks(tmp_path, 4)[0].previews[0].prompt == SEEN.prompt
    charts = {chart["key"]: chart for chart in run_list.details(tmp_path)["charts"]}
    assert charts["held_out"]["lines"]["weakest"] == [1, 0.5]
    assert charts["shares"]["lines"] == {"flow": [0.75, 0.75], "warp_error": [None, None]}
    assert charts["camera"]["steps"] == (2, 4)
