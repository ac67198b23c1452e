"""Clips that go on: which frames are kept, with which noise, and how clips are joined."""

from __future__ import annotations

import re
from typing import Any

import comfy.sample
import comfy.samplers
import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.sampling.continuation import continue_latent, join_continuation
from comfy.model_patcher import ModelPatcher

from nodes import KSampler, LatentFromBatch

STEPS, SEED = 4, 5
NOT_ITS_FRAMES = r"^The second latent does not begin with frames 2 to 3 of the first\."

BLENDED, ONE_STAYS = "kept frames are to be blended", "one at least has to stay as it is"


@pytest.fixture(scope="module")
def animated() -> ModelPatcher:
    return apply_motion_model(tiny.image_model(), tiny.motion_patcher("v2"))


def sampled(
    model: ModelPatcher, latent: dict[str, Any], sampler: str = "euler", steps: int = STEPS
) -> dict[str, Any]:
    positive, negative = tiny.prompt(11), tiny.prompt(12)
    with torch.inference_mode():
        return KSampler().sample(
            model, SEED, steps, 3.0, sampler, "normal", positive, negative, latent
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


LEAVE_NOISE = ("uni_pc", "uni_pc_bh2", "dpm_fast")
"""And dpm_adaptive, which takes as many steps as it likes."""


@pytest.mark.parametrize("sampler", LEAVE_NOISE)
def test_samplers_that_leave_noise_in_the_kept_frames(animated: ModelPatcher, sampler: str) -> None:
    before = sampled(animated, windowed.empty(4), sampler, 3)
    after = sampled(animated, continue_latent(before, 2, 2), sampler, 3)
    assert not torch.allclose(after["samples"][:2], before["samples"][2:], atol=1e-3)
    joined = join_continuation(before, after)
    assert torch.equal(joined["samples"][:4], before["samples"])
    assert torch.equal(joined["samples"][4:], after["samples"][2:])
    assert joined.keys() == before.keys()
    other = {**before, "samples": before["samples"].flip(0)}
    cut = LatentFromBatch().frombatch(after, 1, 3)[0]
    for first, second in ((other, after), (before, cut)):
        with pytest.raises(ValueError, match=NOT_ITS_FRAMES):
            join_continuation(first, second)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sampler", [name for name in comfy.samplers.KSampler.SAMPLERS if name not in LEAVE_NOISE]
)
def test_with_every_sampler_the_kept_frames_stay(animated: ModelPatcher, sampler: str) -> None:
    before = sampled(animated, windowed.empty(3), sampler, 2)
    after = sampled(animated, continue_latent(before, 2, 1), sampler, 2)
    joined = join_continuation(before, after)
    assert torch.equal(joined["samples"][:3], before["samples"])


def test_frames_that_a_sampler_has_not_kept(animated: ModelPatcher) -> None:
    """Noise that is left before the last steps, and frames sampled without their mask."""
    before = {"samples": torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(2))}
    latent = continue_latent(before, 2, 2)
    noisy = {**latent, "samples": latent["samples"] + torch.randn(4, 4, 8, 8)}
    with pytest.raises(ValueError, match=NOT_ITS_FRAMES):
        join_continuation(before, noisy)
    faint = {**latent, "samples": latent["samples"] + torch.randn(4, 4, 8, 8) / 10}
    assert torch.equal(join_continuation(before, faint)["samples"][:4], before["samples"])
    without = {key: value for key, value in latent.items() if key != "noise_mask"}
    with pytest.raises(ValueError, match=NOT_ITS_FRAMES):
        join_continuation(before, sampled(animated, without))


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


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([*range(16), 0, 1, 2, 3], [14, 15, 0, 1, 2, 3, 16, 17]),  # Latent Batch of two clips
        ([3] * 8, [3] * 6 + [4, 5]),  # Latent Batch Seed Behavior: fixed
        ([9, 4, 6, 2, 7, 5], [9, 4, 6, 2, 7, 5, 10, 11]),
    ],
)
def test_numbers_in_any_order_stay_with_their_frames(
    numbers: list[int], expected: list[int]
) -> None:
    latent = {**windowed.empty(len(numbers)), "batch_index": numbers}
    continued = continue_latent(latent, 6, 2)
    assert continued["batch_index"] == expected
    comfy.sample.prepare_noise(continued["samples"], SEED, continued["batch_index"])


def test_the_mask_keeps_the_first_frames_alone() -> None:
    latent = continue_latent({"samples": torch.randn(5, 4, 8, 6)}, 2, 3)
    assert latent["noise_mask"].shape == (5, 1, 8, 6)
    assert latent["noise_mask"].amax((1, 2, 3)).tolist() == [0, 0, 1, 1, 1]
    assert torch.equal(latent["samples"][2:], torch.zeros(3, 4, 8, 6))


def test_blended_frames_pass_over_into_the_new_clip(animated: ModelPatcher) -> None:
    before = sampled(animated, windowed.empty(6))
    latent = continue_latent(before, 4, 3, 3)
    assert latent["noise_mask"].amax((1, 2, 3)).tolist() == [0, 0.25, 0.5, 0.75, 1, 1, 1]
    after = sampled(animated, latent)
    assert torch.equal(after["samples"][0], before["samples"][2])
    distances = [by_hand.relative(after["samples"][k], before["samples"][2 + k]) for k in (1, 2, 3)]
    assert 0 < distances[0] < distances[1] < distances[2]
    joined = join_continuation(before, after)
    assert torch.equal(joined["samples"][:3], before["samples"][:3])
    assert torch.equal(joined["samples"][3:], after["samples"][1:])
    assert len(joined["samples"]) == 9
    again = continue_latent(join_continuation(joined, continue_latent(joined, 4, 3, 3)), 4, 3)
    assert again["batch_index"] == list(range(8, 15))


def test_a_joined_clip_has_no_mask_and_can_be_continued() -> None:
    before = {"samples": torch.randn(5, 4, 8, 8), "noise_mask": torch.ones(5, 1, 8, 8), "own": 3}
    joined = join_continuation(before, continue_latent(before, 2, 3))
    assert joined.keys() == {"samples", "own"} and len(joined["samples"]) == 8
    assert len(continue_latent(joined, 8, 1)["samples"]) == 9


@pytest.mark.parametrize(
    ("kept", "frames", "blended", "sentence"),
    [
        (6, 4, 0, "6 frames are to be kept, and the clip has 5; keep 1 to 5."),
        (0, 4, 0, "0 frames are to be kept, and the clip has 5; keep 1 to 5."),
        (2, 0, 0, "0 new frames are no continuation; ask for 1 or more."),
        (2, 4, 2, f"2 of 2 {BLENDED}, and {ONE_STAYS}; blend 0 to 1."),
        (1, 4, -1, f"-1 of 1 {BLENDED}, and {ONE_STAYS}; blend 0 to 0."),
    ],
)
def test_numbers_that_cannot_be(kept: int, frames: int, blended: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        continue_latent(windowed.empty(5), kept, frames, blended)


def test_what_is_no_clip_or_no_continuation_is_refused() -> None:
    clip = {"samples": torch.randn(5, 4, 8, 8)}
    with pytest.raises(ValueError, match=r"^This latent has the shape \[1, 16, 2, 8, 8\], of a vi"):
        continue_latent({"samples": torch.zeros(1, 16, 2, 8, 8)}, 1, 1)
    with pytest.raises(ValueError, match=r"^The second latent is no continuation: it was not made"):
        join_continuation(clip, clip)
    for other in (torch.randn(5, 4, 8, 8), torch.randn(5, 4, 8, 6)):
        with pytest.raises(ValueError, match=r"does not begin with frames 3 to 4 of the first\."):
            join_continuation(clip, continue_latent({"samples": other}, 2, 3))
