"""Optical flow: its direction and size, the warp error's floor, and frames that are refused."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import torch
from animatediff_kit.measures.flow import check_frames, pairs, warp_error
from torch import Tensor

from ..support.moving import camera, flickering, noisy, shuffled


def middle(flow: np.ndarray) -> np.ndarray:
    return flow[16:-16, 16:-16].reshape(-1, 2)


@pytest.mark.parametrize("motion", [(2.0, 0.0), (-1.5, 0.0), (0.0, 3.0), (0.5, -0.5), (0.0, 0.0)])
def test_flow_points_where_the_content_goes(motion: tuple[float, float]) -> None:
    clip = camera(4, pan=motion[0], tilt=motion[1])
    flows = [pair.flow for pair in pairs(clip)]
    assert len(flows) == 3 and flows[0].shape == (128, 128, 2)
    for flow in flows:
        assert np.allclose(np.median(middle(flow), axis=0), motion, atol=0.05)


def test_pairs_are_neighbours_in_order() -> None:
    clip = camera(3, pan=1)
    found = list(pairs(clip))
    assert all(np.array_equal(pair.first, clip[i].numpy()) for i, pair in enumerate(found))
    assert all(np.array_equal(pair.second, clip[i + 1].numpy()) for i, pair in enumerate(found))


def errors(clip: Tensor) -> float:
    found = [error for pair in pairs(clip) if (error := warp_error(pair)) is not None]
    assert len(found) == len(clip) - 1
    return float(np.mean(found))


def test_the_warp_error_of_a_true_pan_is_the_noise() -> None:
    """The difference of two frames with noise of 1 % is 2 / sqrt(pi) % in the mean; warping to
    between the pixels smooths one of them."""
    pan = camera(8, pan=2)
    assert errors(pan) < 0.003
    noise = 0.02 / math.sqrt(math.pi)
    assert errors(noisy(pan, 0.01)) == pytest.approx(noise, rel=0.1)
    still = noisy(pan[:1].repeat(8, 1, 1, 1), 0.01)
    assert errors(still) == pytest.approx(noise, rel=0.1)


def test_the_warp_error_sees_what_flow_cannot_explain() -> None:
    pan = noisy(camera(16, pan=2), 0.01)
    assert errors(shuffled(pan)) > 1.3 * errors(pan)
    assert errors(flickering(pan, 0.04)) > 1.2 * errors(pan)
    strangers = torch.cat([camera(1, seed=seed) for seed in range(6)])
    assert errors(strangers) > 3 * errors(pan)


def test_what_leaves_the_picture_counts_for_nothing() -> None:
    """A flow by half a picture that is true: what came in on the other side is not its fault."""
    pair = next(pairs(torch.stack([camera(1)[0], camera(2, pan=64, jumps={0: (32, 0, 1)})[1]])))
    pair.flow[...] = (64, 0)
    assert warp_error(pair) == pytest.approx(0, abs=1e-4)


def test_a_flow_out_of_the_picture_has_no_error() -> None:
    pair = next(pairs(camera(2)))
    pair.flow[...] = 500
    assert warp_error(pair) is None


def test_frames_without_motion_to_measure_are_refused() -> None:
    clip = camera(3)
    check_frames(clip)
    with pytest.raises(ValueError, match=r"The images hold 1 frame; motion needs at least 2"):
        check_frames(clip[:1])
    with pytest.raises(
        ValueError, match=r"The reference images are 31 x 128 pixels.*from 32 x 32 on"
    ):
        check_frames(clip[:, :, :31], "reference images")
    sentence = r"4 colour channels; .* of 3, without transparency\. Take it off with Split Image"
    with pytest.raises(ValueError, match=sentence):
        check_frames(torch.zeros(2, 64, 64, 4))
    for value in (math.nan, math.inf):
        clip = camera(3)
        clip[1, 5, 6, 0] = value
        with pytest.raises(ValueError, match=r"Frame 1 of the images holds .*NaN or infinity"):
            check_frames(clip)


def test_without_opencv_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ValueError, match="pip install -r requirements-training.txt"):
        next(pairs(camera(2)))
