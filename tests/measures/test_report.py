"""The figures of a clip beside a reference's, as JSON and as a picture."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from animatediff_kit.measures.motion_measures import measure_motion
from animatediff_kit.measures.pictures import draw_measures, table
from animatediff_kit.measures.report import as_json, check_clips, report
from animatediff_kit.measures.seams import Seams, seams_of
from torch import Tensor

from ..support.moving import camera, noisy, shuffled

NO_SEAMS = Seams(frozenset(), frozenset())
SIZE = (64, 64)


def pan(speed: float = 1.0, frames: int = 12) -> Tensor:
    return noisy(camera(frames, pan=speed, size=SIZE), 0.01)


def test_a_clip_moves_like_its_reference_within_bounds() -> None:
    reference = measure_motion(pan())
    still, strange = camera(1, size=SIZE).repeat(12, 1, 1, 1), shuffled(pan(2))
    verdicts = {
        "same": pan(),
        "faster": pan(1.5),
        "too fast": pan(3),
        "still": noisy(still, 0.01),
        "shuffled": strange,
    }
    found = {
        name: report([measure_motion(clip), reference], NO_SEAMS)["ratios"]
        for name, clip in verdicts.items()
    }
    like = {name for name, ratios in found.items() if ratios["moves_like_reference"]}
    assert like == {"same", "faster"}
    assert found["faster"]["median_flow"] == pytest.approx(1.5, abs=0.1)
    assert found["still"]["median_flow"] < 0.2
    assert found["same"]["same_camera_move"] and not found["still"]["same_camera_move"]
    assert found["same"]["warp_error"] == pytest.approx(1, abs=0.02)


def test_the_json_is_json() -> None:
    """Also where a figure cannot be told: NaN is not JSON."""
    windows = [list(range(8)), list(range(6, 14))]
    flat = measure_motion(torch.full((14, 64, 64, 3), 0.5))
    for clips in ([measure_motion(pan(frames=14))], [measure_motion(pan(frames=14)), flat]):
        figures = report(clips, seams_of(windows, 14))
        read = json.loads(as_json(figures))
        assert read["frames"] == 14 and read["width"] == 64
        assert read["camera"]["move"] == "pan left"
        assert read["seams"]["steps"] == [5, 7] and read["seams"]["passes"]
        assert len(read["per_frame"]["median_flow"]) == 13
    assert read["ratios"]["median_flow"] is None
    assert read["ratios"]["moves_like_reference"] is None


def test_a_warp_error_that_cannot_be_told_is_left_out() -> None:
    measures = measure_motion(pan(frames=3))
    measures.warp_error[:] = math.nan
    figures = report([measures], NO_SEAMS)
    assert figures["warp_error"] is None and figures["per_frame"]["warp_error"] == [None, None]
    as_json(figures)


def test_without_seams_there_are_no_seam_figures() -> None:
    assert report([measure_motion(pan(frames=3))], NO_SEAMS)["seams"] is None


def test_clips_that_cannot_stand_beside_each_other_are_refused() -> None:
    check_clips(pan(frames=2), None)
    check_clips(pan(frames=2), pan(frames=3))
    wide = camera(2, size=(64, 96))
    with pytest.raises(ValueError, match=r"are 64 x 64 pixels and the reference images 96 x 64"):
        check_clips(pan(frames=2), wide)
    with pytest.raises(ValueError, match="reference images hold 1 frame"):
        check_clips(pan(frames=2), wide[:1])
    wide[1, 2, 3] = math.nan
    with pytest.raises(ValueError, match=r"Frame 1 of the reference images .*NaN"):
        check_clips(pan(frames=2), wide)


def test_the_table_has_a_row_for_every_figure() -> None:
    clip, windows = pan(), [list(range(6)), list(range(6, 12))]
    alone = table(report([measure_motion(clip)], seams_of(windows, 12)))
    assert {len(row) for row in alone} == {2}
    assert ["camera move", "pan left"] in alone
    assert alone[-1][1].endswith("too few to tell")  # a single seam
    assert [row[0] for row in alone[-3:]] == ["seams: motion", "seams: warp", "seams: sharpness"]
    both = table(report([measure_motion(clip), measure_motion(pan(-2))], NO_SEAMS))
    assert {len(row) for row in both} == {4}
    assert both[1][:3] == ["camera move", "pan left", "pan right"]
    (flow,) = (row for row in both if row[0].startswith("median flow"))
    assert [float(cell) for cell in flow[1:]] == pytest.approx([1, 2, 0.5], abs=0.1)


def test_the_picture_shows_the_clips() -> None:
    clip = pan()
    measures, seams = measure_motion(clip), seams_of([list(range(6)), list(range(6, 12))], 12)
    one = draw_measures(report([measures], seams), [(clip, measures)], seams)
    bare = draw_measures(report([measures], NO_SEAMS), [(clip, measures)], NO_SEAMS)
    two = draw_measures(report([measures] * 2, seams), [(clip, measures)] * 2, seams)
    pictures = [np.asarray(picture) for picture in (one, bare, two)]
    assert {picture.shape for picture in pictures} == {(768, 1024, 3)}
    assert (pictures[0] != pictures[1]).any() and (pictures[0] != pictures[2]).any()
