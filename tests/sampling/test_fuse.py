"""Fuse weights: positive, one for each place, and a weighted mean once normalised."""

from __future__ import annotations

import comfy.context_windows as core
import pytest
import torch
from adk_tests.support import windowed
from animatediff_kit.sampling.apply_windows import apply_context_windows
from animatediff_kit.sampling.fuse import FUSE_METHODS, fuse_weights
from animatediff_kit.sampling.windows import SCHEDULES, WindowSettings, windows_of
from comfy.model_patcher import ModelPatcher


@pytest.mark.parametrize("fuse", FUSE_METHODS)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("length", [3, 4, 15, 16])
def test_weights_are_positive_and_one_for_each_place(fuse, schedule, length):
    settings = WindowSettings(length, length // 3, 2, schedule, fuse)
    for frames in (length + 1, 40, 97):
        for step in range(6):
            for window in windows_of(frames, settings, step):
                weights = fuse_weights(window, frames, settings)
                assert len(weights) == len(window)
                assert min(weights) > 0.0


@pytest.mark.parametrize("length", [1, 2, 5, 8, 16])
def test_pyramid_is_cores(length):
    settings = WindowSettings(length, 0)
    assert fuse_weights(list(range(length)), 99, settings) == core.create_weights_pyramid(length)


def test_relative_is_cores_running_mean():
    """Core folds windows in one by one; that is a weighted mean with its `bias` as weights."""
    window, middle = list(range(12, 28)), (12 + 27) / 2
    bias = [max(1e-2, 1 - abs(i - middle) / ((27 - 12 + 1e-2) / 2)) for i in window]
    weights = fuse_weights(window, 40, WindowSettings(fuse="relative"))
    assert weights == pytest.approx(bias, rel=1e-9)


def test_overlap_linear_fades_only_where_there_is_a_neighbour():
    fade = WindowSettings(8, 3, fuse="overlap-linear")
    assert fuse_weights(list(range(8)), 24, fade) == [1, 1, 1, 1, 1, 0.75, 0.5, 0.25]
    assert fuse_weights(list(range(5, 13)), 24, fade) == [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]
    assert fuse_weights(list(range(16, 24)), 24, fade)[-3:] == [1, 1, 1]
    looped = WindowSettings(8, 3, schedule="looped_uniform", fuse="overlap-linear")
    assert fuse_weights(list(range(8)), 24, looped)[:3] == [0.25, 0.5, 0.75]


def test_sawtooth_has_the_windows_length_for_odd_lengths_too():
    even = fuse_weights(list(range(6)), 20, WindowSettings(6, 0, fuse="delayed-reverse-sawtooth"))
    odd = fuse_weights(list(range(5)), 20, WindowSettings(5, 0, fuse="delayed-reverse-sawtooth"))
    assert even == [0.01, 0.01, 3.0, 3.0, 2.0, 1.0]
    assert odd == [0.01, 0.01, 3.0, 2.0, 1.0]


def test_unknown_fuse_method_is_refused():
    with pytest.raises(ValueError, match=r"'median' is no fuse method; choose one of pyramid"):
        fuse_weights([0, 1], 4, WindowSettings(2, 0, fuse="median"))


def test_overlap_ramp_is_cores():
    """torch.linspace(1e-37, 1, overlap) at the sides that have a neighbour, 1e-37 for nearly none:
    a prediction times 1e-30 is a normal number."""
    settings = WindowSettings(6, 3, fuse="overlap-ramp")
    assert fuse_weights(list(range(6)), 12, settings) == [1, 1, 1, 1, 0.5, 1e-30]
    assert fuse_weights(list(range(3, 9)), 12, settings) == [1e-30, 0.5, 1, 1, 0.5, 1e-30]
    assert fuse_weights(list(range(6, 12)), 12, settings) == [1e-30, 0.5, 1, 1, 1, 1]
    assert fuse_weights([9, 10, 11, 0, 1, 2], 12, settings) == [1] * 6
    none = WindowSettings(6, 0, fuse="overlap-ramp")
    assert fuse_weights(list(range(3, 9)), 12, none) == [1] * 6


def test_a_frame_that_every_window_hardly_counts_keeps_small_predictions(
    still: ModelPatcher,
) -> None:
    """A GPU's sums take numbers below float32's normal ones for 0; a CPU can be told to."""
    settings = WindowSettings(4, 2, schedule="batched", fuse="overlap-ramp")
    model = apply_context_windows(still, settings)
    noise = windowed.noise_of(8)
    expected = windowed.sample_noise(model, noise)
    assert torch.set_flush_denormal(True)
    try:
        assert torch.equal(windowed.sample_noise(model, noise), expected)
    finally:
        torch.set_flush_denormal(False)
