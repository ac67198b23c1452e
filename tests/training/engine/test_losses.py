"""The losses against their formulas, written out."""

from __future__ import annotations

import math

import pytest
import torch
from animatediff_kit.training.engine.losses import clip_errors, debiased, min_snr_weight
from torch import Tensor

ANCHOR = 2


def video(seed: int, clips: int = 2, frames: int = 4) -> Tensor:
    """b f 4 3 5, float64"""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((clips, frames, 4, 3, 5), generator=generator, dtype=torch.float64)


def squares(x: Tensor) -> Tensor:
    """Squared error of each clip's frames.   b f c h w -> b f"""
    return x.square().flatten(2).sum(2)


def test_the_error_is_each_clips_own_mean_square():
    predicted, noise = video(1), video(2)
    errors = clip_errors(predicted, noise)
    for i in range(2):
        by_hand = sum(float(d) ** 2 for d in (predicted[i] - noise[i]).flatten()) / (4 * 4 * 3 * 5)
        assert float(errors[i]) == pytest.approx(by_hand, rel=1e-6)


def test_the_error_is_float32_whatever_the_arithmetic_was():
    predicted, noise = video(1).bfloat16(), video(2).float()
    errors = clip_errors(predicted, noise)
    assert errors.dtype == torch.float32
    torch.testing.assert_close(errors, clip_errors(predicted.float(), noise), rtol=0, atol=0)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_debiased_frames_are_the_papers_formula(beta):
    frames, anchors = video(3), torch.tensor([ANCHOR, 0])
    phi = debiased(frames, anchors, beta)
    for i, anchor in enumerate(anchors.tolist()):
        for f in range(4):
            by_hand = math.sqrt(beta**2 + 1) * frames[i, f] - beta * frames[i, anchor]
            torch.testing.assert_close(phi[i, f], by_hand, rtol=1e-12, atol=1e-12)


def test_the_anchors_own_error_weighs_little():
    """At beta 1 the anchor frame keeps (sqrt 2 - 1)^2 of its squared error."""
    error = video(4, clips=1)
    weighed = squares(debiased(error, torch.tensor([ANCHOR]), 1.0))
    ratio = weighed[0, ANCHOR] / squares(error)[0, ANCHOR]
    assert float(ratio) == pytest.approx((math.sqrt(2) - 1) ** 2, rel=1e-6)


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_an_image_that_all_frames_share_nearly_cancels(beta):
    frames, image = video(5), video(6, frames=1)
    anchor = torch.tensor([1, 3])
    change = debiased(frames + image, anchor, beta) - debiased(frames, anchor, beta)
    expected = (math.sqrt(beta**2 + 1) - beta) * image.expand_as(frames)
    torch.testing.assert_close(change, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("gamma", [1.0, 5.0])
def test_min_snr_holds_easy_steps_down_and_leaves_hard_ones(gamma):
    snr = torch.tensor([0.01, 0.5, gamma, 20.0, 400.0], dtype=torch.float64)
    weight = min_snr_weight(snr / (1 + snr), gamma)
    expected = torch.tensor([1.0, 1.0, 1.0, gamma / 20, gamma / 400], dtype=torch.float64)
    torch.testing.assert_close(weight, expected, rtol=1e-9, atol=0)
