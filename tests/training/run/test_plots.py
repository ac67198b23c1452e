"""The loss plot: its running mean, skipped steps, and its size."""

from __future__ import annotations

import math

import numpy as np
import torch
from animatediff_kit.training.run.plots import as_image, beside, draw_losses, smoothed


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


def test_the_plot_shows_the_losses() -> None:
    flat = np.asarray(draw_losses([1.0] * 50, 100, "run"))
    falling = np.asarray(draw_losses([1.0 / (i + 1) for i in range(50)], 100, "run"))
    assert flat.shape == falling.shape == (320, 512, 3)
    assert (flat != falling).any()
    started = np.asarray(draw_losses([0.5], 100, "run"))
    assert started.std() > 0
    skipped = np.asarray(draw_losses([math.nan], 100, "run"))
    assert skipped.shape == flat.shape


def test_a_preview_stands_under_the_plot() -> None:
    plot = draw_losses([1.0, 0.5], 2, "run")
    frame = torch.zeros((256, 128, 3))
    frame[..., 0] = 1.0
    both = np.asarray(beside(plot, frame))
    assert both.shape == (320 + 256, 512, 3)
    assert (both[320:, 192:320] == (255, 0, 0)).all() and (both[320:, :192] == 255).all()
    assert beside(plot, None) is plot


def test_an_image_for_comfyui() -> None:
    picture = as_image(draw_losses([1.0], 2, "run"))
    assert picture.shape == (1, 320, 512, 3) and picture.dtype == torch.float32
    assert 0 <= float(picture.min()) and float(picture.max()) <= 1
