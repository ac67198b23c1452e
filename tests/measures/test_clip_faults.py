"""Cuts and clips without motion, in drawn clips whose motion is known."""

from __future__ import annotations

import pytest
import torch
from adk_tests.support.moving import camera
from animatediff_kit.measures.clip_faults import cut_at, is_still, way
from animatediff_kit.measures.motion_measures import measure_motion
from torch import Tensor


def noisy(frames: Tensor, noise: float) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return (frames + noise * torch.randn(frames.shape, generator=generator)).clamp(0, 1)


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_a_cut_is_where_another_scene_begins(noise: float) -> None:
    """A camera that moves fast is none, nor is one that jumps."""
    first, second = camera(9, pan=2, seed=0), camera(7, tilt=2, seed=1)
    assert cut_at(measure_motion(noisy(torch.cat([first, second]), noise))) == 9
    assert cut_at(measure_motion(noisy(camera(9, pan=6), noise))) is None
    assert cut_at(measure_motion(noisy(camera(9, zoom=1.05, roll=3), noise))) is None
    assert cut_at(measure_motion(noisy(camera(9, pan=1, jumps={4: (4, 0, 1)}), noise))) is None


def test_of_few_frames_nobody_says_a_cut() -> None:
    both = torch.cat([camera(1, seed=0), camera(2, seed=1)])
    assert cut_at(measure_motion(both)) is None
    assert cut_at(measure_motion(torch.cat([camera(2, seed=0), camera(2, pan=1, seed=1)]))) == 2


def test_what_is_still_is_so_under_noise() -> None:
    """And what moves by 3 % of the side is not, also there and back, also where it is small."""
    for noise in (0.0, 0.03):
        assert is_still(measure_motion(noisy(camera(10), noise)))
        moved = camera(10, pan=0.03 * 128 / 9)
        assert not is_still(measure_motion(noisy(moved, noise)))
        back = torch.cat([moved, moved.flip(0)])
        assert not is_still(measure_motion(noisy(back, noise)))
    assert way(measure_motion(camera(10))) == 0
    small = camera(10)
    for number, frame in enumerate(small):
        frame[48:80, 20 + 4 * number : 52 + 4 * number] = camera(1, seed=3)[0, :32, :32]
    assert not is_still(measure_motion(small))
