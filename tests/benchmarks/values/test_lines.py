"""What the lines on values over frames are measured with sees what it should."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from animatediff_kit.benchmarks.values.clips import FPS, RATE, drum_track, onset_curve
from animatediff_kit.benchmarks.values.lines import correlation, flow_into, moves
from animatediff_kit.small_world.motions import FRAMES


@pytest.mark.parametrize("seed", range(8))
def test_the_curve_rises_where_the_drum_is_hit(seed: int) -> None:
    samples = drum_track(seed)["waveform"][0, 0].numpy()
    frames = np.abs(samples).reshape(FRAMES, round(RATE / FPS)).max(1)
    hit = frames > 0.5
    curve = onset_curve(seed)
    assert 2 <= hit.sum() <= 5
    assert curve[hit].min() > curve[~hit][1:].max(), (frames.round(2), curve.round(2))


def picture(side: int = 96) -> np.ndarray:
    """Smooth random blotches, as flow needs them."""
    spectrum = np.fft.fft2(np.random.default_rng(1).standard_normal((side, side, 3)), axes=(0, 1))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    smooth = np.fft.ifft2(spectrum * np.exp(-((frequency * 14) ** 2))[..., None], axes=(0, 1)).real
    return (smooth - smooth.min()) / np.ptp(smooth)


def slid(steps: list[int]) -> torch.Tensor:
    """A picture that is moved to the right by so many pixels before each frame but the first."""
    places = np.cumsum([0, *steps])
    still = picture()
    frames = [np.roll(still, place, axis=1)[16:80, 16:80] for place in places]
    return torch.from_numpy(np.stack(frames)).float()


def test_flow_is_that_into_the_frame() -> None:
    steps = [0, 2, 0, 0, 3, 1, 0]
    assert flow_into(slid(steps)) == pytest.approx(steps, abs=0.25)
    assert correlation(flow_into(slid(steps)), np.array(steps)) > 0.98


def test_the_move_of_a_half() -> None:
    clip = slid([1] * 7 + [-1] * 8)
    assert (moves(clip[:8]), moves(clip[8:])) == ("pan left", "pan right")


def test_what_does_not_change_has_no_correlation() -> None:
    assert correlation(np.ones(5), np.arange(5.0)) == 0.0
    assert correlation(np.arange(5.0), -np.arange(5.0)) == pytest.approx(-1.0)
