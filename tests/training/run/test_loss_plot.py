"""The loss plot: its running mean, its bins, skipped steps, and what the picture shows where."""

from __future__ import annotations

import math

import numpy as np
import pytest
from animatediff_kit.training.run import loss_plot
from animatediff_kit.training.run.loss_plot import (
    BINS,
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    binned,
    draw_losses,
    smoothed,
)
from PIL import ImageColor


def test_the_mean_looks_backwards_only() -> None:
    losses = [float(i) for i in range(1, 201)]
    mean = smoothed(losses)  # over 2 % of 200: four steps
    assert mean[0] == 1.0 and mean[1] == 1.5
    assert np.allclose(mean[3:], np.arange(2.5, 199, 1.0))
    assert np.allclose(smoothed(losses[:100])[-1], np.mean(losses[98:100]))


def test_skipped_steps_count_for_nothing() -> None:
    losses = [2.0, math.nan, 4.0, math.nan] * 50
    mean = smoothed(losses)
    assert np.isfinite(mean).all()
    assert np.allclose(mean[3:], 3.0)
    assert np.isnan(smoothed([math.nan, 1.0])[0])


def live(count: int) -> list[float]:
    return np.random.default_rng(0).gamma(4.0, 0.25, count).tolist()


def test_a_short_run_has_a_bin_for_every_step() -> None:
    losses = live(BINS)
    bins = binned(losses)
    assert bins.steps.tolist() == list(range(1, BINS + 1))
    assert bins.lows.tolist() == bins.highs.tolist() == losses
    assert np.array_equal(bins.means, smoothed(losses))


@pytest.mark.parametrize("count", [BINS + 1, 10_007])
def test_a_long_run_has_so_many_bins_and_loses_no_extreme(count: int) -> None:
    losses = live(count)
    losses[count // 3], losses[count // 2] = 9.0, -1.0
    bins = binned(losses)
    assert len(bins.steps) == len(bins.lows) == len(bins.highs) == len(bins.means) == BINS
    edges = [0, *bins.steps.tolist()]
    for i, (start, end) in enumerate(zip(edges, edges[1:], strict=False)):
        part = losses[start:end]
        assert (bins.lows[i], bins.highs[i]) == (min(part), max(part)) and end - start < 40
    assert edges[-1] == count and max(bins.highs) == 9.0 and min(bins.lows) == -1.0
    assert np.array_equal(bins.means, smoothed(losses)[bins.steps - 1])


def test_a_bin_of_skipped_steps_alone_has_no_number() -> None:
    bins = binned([1.0, math.nan, 3.0, math.inf])
    assert bins.lows[[0, 2]].tolist() == [1.0, 3.0]
    assert np.isnan([*bins.lows[[1, 3]], *bins.highs[[1, 3]]]).all()
    (both,) = binned([math.nan, 2.0], most=1).lows
    assert both == 2.0


def found(picture: np.ndarray, colour: str) -> np.ndarray:
    """Where in the frame the picture has this colour.   -> n 2, of x and y"""
    inside = picture[TOP + 1 : BOTTOM, LEFT + 1 : RIGHT]
    ys, xs = np.nonzero((inside == ImageColor.getrgb(colour)).all(-1))
    return np.stack([xs + LEFT + 1, ys + TOP + 1], 1)


def test_lines_stand_where_the_losses_are() -> None:
    """Half of a run of 1000 steps: 0.2, then 0.4, with one step of 0.8. The axis goes from 0.164
    to 0.836, 6 % of the range beyond the losses."""
    losses = [0.2] * 250 + [0.4] * 250
    losses[400] = 0.8
    picture = np.asarray(draw_losses(losses, 1000, "run"))
    assert picture.shape == (320, 512, 3)
    assert (picture[[0, -1]] == 255).all() and (picture[:, [0, -1]] == 255).all()
    mean, faint = found(picture, loss_plot.STRONG), found(picture, loss_plot.FAINT)

    def height(loss: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (loss - 0.164) / (0.836 - 0.164)

    early, late = (mean[np.abs(mean[:, 0] - x) <= 2, 1] for x in (110, 260))
    assert abs(early.mean() - height(0.2)) < 1.5 and abs(late.mean() - height(0.4)) < 1.5
    assert mean[:, 0].max() == pytest.approx(LEFT + (RIGHT - LEFT) / 2, abs=2)
    x, y = faint[faint[:, 1].argmin()]
    assert x == pytest.approx(LEFT + (RIGHT - LEFT) * 0.401, abs=2)
    assert y == pytest.approx(height(0.8), abs=4)


def test_a_single_step_is_a_point() -> None:
    mean = found(np.asarray(draw_losses([0.5], 100, "run")), loss_plot.STRONG)
    assert 4 <= len(mean) <= 30 and np.abs(mean - mean.mean(0)).max() < 4


def test_skipped_steps_part_the_line() -> None:
    losses = [0.5] * 40 + [math.nan] * 20 + [0.5] * 40
    mean = found(np.asarray(draw_losses(losses, 100, "run")), loss_plot.STRONG)
    columns = (mean[:, 0] - LEFT) / (RIGHT - LEFT) * 100
    assert not ((columns > 43) & (columns < 60)).any()
    assert (columns < 40).any() and (columns > 62).any()


def test_a_run_without_any_loss_says_so() -> None:
    empty = np.asarray(draw_losses([math.nan] * 3, 100, "run"))
    middle = empty[150:175, 220:330]
    assert len(found(empty, loss_plot.STRONG)) == 0 and (middle < 100).any()


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("steps", [1, 7, 123_456])
def test_any_size_of_losses_and_steps_can_be_drawn(scale: float, steps: int) -> None:
    losses = [loss * scale for loss in live(min(steps, 1000))]
    picture = np.asarray(draw_losses(losses, steps, "a name " * 30))
    assert len(found(picture, loss_plot.STRONG)) > 3
    labels = picture[TOP:BOTTOM, : LEFT - 3]
    assert (labels < 100).any(), "numbers stand on the left"
    assert (labels[:, 0] == 255).all(), "and are not cut off"


def test_a_small_font_stands_in_where_pillow_has_no_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in Pillow before 10.1, whose default font takes no size."""
    plain = loss_plot.ImageFont.load_default_imagefont()
    monkeypatch.setattr(loss_plot.ImageFont, "load_default", lambda: plain)
    loss_plot.font.cache_clear()
    try:
        picture = np.asarray(draw_losses(live(50), 100, "run"))
    finally:
        loss_plot.font.cache_clear()
    assert (picture[:TOP] < 100).any() and (picture[BOTTOM + 3 :] < 100).any()
