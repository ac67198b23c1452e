"""The picture shows the value: its height by frame, and where the mask is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from animatediff_kit.sampling.values.over_time import value_over_time
from animatediff_kit.sampling.values.picture import (
    BOTTOM,
    COLOURS,
    HEIGHT,
    LEFT,
    RIGHT,
    STRIP,
    TOP,
    WIDTH,
    draw_value,
)


def heights(picture: torch.Tensor, colour: int = 0) -> np.ndarray:
    """Of each column of the axes, how high the curve stands in them, 0..1; NaN without one."""
    pixels = (picture[0] * 255).numpy()[TOP - 3 : BOTTOM + 4, LEFT + 2 : RIGHT - 1]
    near = np.abs(pixels - np.array(COLOURS[colour])).max(-1) < 60
    rows = np.arange(near.shape[0])[:, None]
    counts = near.sum(0)
    middle = np.where(counts > 0, (near * rows).sum(0) / np.maximum(counts, 1), np.nan)
    return 1 - (middle - 3) / (BOTTOM - TOP)


def test_the_curve_is_the_values() -> None:
    picture = draw_value(value_over_time(per_frame="0: 2, 8: 4, 16: 2"), 17)
    assert picture.shape == (1, HEIGHT, WIDTH, 3) and 0 <= picture.min() <= picture.max() <= 1
    found = heights(picture)
    expected = 1 - np.abs(np.linspace(-1, 1, len(found)))
    assert np.nanmax(np.abs(found - expected)) < 0.03
    assert np.isfinite(found).mean() > 0.99


def test_steps_are_drawn_in_colours_of_their_own() -> None:
    picture = draw_value(value_over_time(per_step="0: 0, 1: 1"), 16)
    for colour, level in enumerate((0.0, 0.5, 1.0)):
        assert np.nanmedian(heights(picture, colour)) == pytest.approx(level, abs=0.03)
    one = draw_value(value_over_time(), 16)
    assert np.isfinite(heights(one, 0)).all() and np.isnan(heights(one, 1)).all()


def test_masks_are_shown_frame_by_frame() -> None:
    mask = torch.zeros(4, 8, 8)
    for frame in range(4):
        mask[frame, :, 2 * frame : 2 * frame + 2] = 1
    picture = draw_value(value_over_time(mask=mask), 4)
    assert picture.shape == (1, HEIGHT + STRIP + 24, WIDTH, 3)
    row = picture[0, HEIGHT + STRIP // 2, :, 0].numpy()
    bright = [np.flatnonzero(row[start : start + 108] > 0.9).mean() for start in range(0, 432, 108)]
    assert bright == sorted(bright) and bright[0] < bright[-1] - 40


@pytest.mark.parametrize("frames", [1, 2, 5000])
def test_any_number_of_frames(frames: int) -> None:
    assert np.isfinite(heights(draw_value(value_over_time(0.5), frames))).any()
