"""Clips that go on: which frames are kept, with which noise, and how clips are joined."""

from __future__ import annotations

import re
from typing import Any

import comfy.sample
import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.sampling.continuation import continue_latent, join_continuation
from comfy.model_patcher import ModelPatcher

from nodes import KSampler

STEPS, SEED = 4, 5


@pytest.fixture(scope="module")
def animated() -> ModelPatcher:
    return apply_motion_model(tiny.image_model(), tiny.motion_patcher("v2"))


def sampled(model: ModelPatcher, latent: dict[str, Any]) -> dict[str, Any]:
    positive, negative = tiny.prompt(11), tiny.prompt(12)
    with torch.inference_mode():
        return KSampler().sample(
            model, SEED, STEPS, 3.0, "euler", "normal", positive, negative, latent
        )[0]


def test_kept_frames_stay_and_the_others_follow_from_them(animated: ModelPatcher) -> None:
    before = sampled(animated, windowed.empty(6))
    after = sampled(animated, continue_latent(before, 3, 4))
    assert torch.equal(after["samples"][:3], before["samples"][3:])
    joined = join_continuation(before, after)
    assert torch.equal(joined["samples"][:6], before["samples"])
    assert torch.equal(joined["samples"][6:], after["samples"][3:])
    # what is kept reaches the new frames through the motion model
    other = {**before, "samples": before["samples"].flip(0)}
    changed = sampled(animated, continue_latent(other, 3, 4))
    assert by_hand.relative(changed["samples"][3:], after["samples"][3:]) > 0.01


def test_every_frame_has_its_number_s_noise() -> None:
    """However often it goes on, joined or not."""
    whole = comfy.sample.prepare_noise(torch.zeros((14, 4, 8, 8)), SEED)
    first = windowed.empty(6)
    second = continue_latent(first, 2, 4)
    assert second["batch_index"] == [4, 5, 6, 7, 8, 9]
    for latent in (
        continue_latent(second, 3, 4),
        continue_latent(join_continuation(first, second), 3, 4),
    ):
        assert latent["batch_index"] == list(range(7, 14))
        noise: Any = comfy.sample.prepare_noise(latent["samples"], SEED, latent["batch_index"])
        assert torch.equal(noise, whole[7:])


def test_the_mask_keeps_the_first_frames_alone() -> None:
    latent = continue_latent({"samples": torch.randn(5, 4, 8, 6)}, 2, 3)
    assert latent["noise_mask"].shape == (5, 1, 8, 6)
    assert latent["noise_mask"].amax((1, 2, 3)).tolist() == [0, 0, 1, 1, 1]
    assert torch.equal(latent["samples"][2:], torch.zeros(3, 4, 8, 6))


def test_a_joined_clip_has_no_mask_and_can_be_continued() -> None:
    before = {"samples": torch.randn(5, 4, 8, 8), "noise_mask": torch.ones(5, 1, 8, 8), "own": 3}
    joined = join_continuation(before, continue_latent(before, 2, 3))
    assert joined.keys() == {"samples", "own"} and len(joined["samples"]) == 8
    assert len(continue_latent(joined, 8, 1)["samples"]) == 9


@pytest.mark.parametrize(
    ("kept", "frames", "sentence"),
    [
        (6, 4, "6 frames are to be kept, and the clip has 5; keep 1 to 5."),
        (0, 4, "0 frames are to be kept, and the clip has 5; keep 1 to 5."),
        (2, 0, "0 new frames are no continuation; ask for 1 or more."),
    ],
)
def test_numbers_that_cannot_be(kept: int, frames: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        continue_latent(windowed.empty(5), kept, frames)


def test_what_is_no_clip_or_no_continuation_is_refused() -> None:
    clip = {"samples": torch.randn(5, 4, 8, 8)}
    with pytest.raises(ValueError, match=r"^This latent has the shape \[1, 16, 2, 8, 8\], of a vi"):
        continue_latent({"samples": torch.zeros(1, 16, 2, 8, 8)}, 1, 1)
    with pytest.raises(ValueError, match=r"^The second latent is no continuation: it was not made"):
        join_continuation(clip, clip)
    for other in (torch.randn(5, 4, 8, 8), torch.randn(5, 4, 8, 6)):
        with pytest.raises(ValueError, match=r"does not begin with the last 2 frames of the first"):
            join_continuation(clip, continue_latent({"samples": other}, 2, 3))
