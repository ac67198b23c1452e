"""Clips of images that a workflow holds."""

from __future__ import annotations

import pytest
import torch
from adk_tests.support.videos import as_images, numbered, numbers
from animatediff_kit.training.data.image_clips import ImageClips, StillClips

BATCH = as_images(numbered(i) for i in range(12))


def test_a_batch_is_one_clip() -> None:
    clips = ImageClips(BATCH, " a dog ")
    assert len(clips) == 1
    assert clips.read(0).caption == "a dog"
    assert torch.equal(clips.read(0).frames, BATCH)


def test_a_stride_leaves_frames_out() -> None:
    clip = ImageClips(BATCH, "a dog", stride=5).read(0)
    assert numbers(clip.frames) == [0, 5, 10]


def test_a_batch_is_cut_into_clips() -> None:
    clips = ImageClips(BATCH, "a dog", stride=2, frames=2)
    assert [numbers(clips.read(i).frames) for i in range(len(clips))] == [[0, 2], [4, 6], [8, 10]]
    with pytest.raises(IndexError):
        clips.read(3)


def test_images_are_resized_where_a_size_is_given() -> None:
    clips = ImageClips(BATCH, "a dog", width=128, height=72)
    assert clips.read(0).frames.shape == (12, 72, 128, 3)
    assert clips.source(0).frames.shape == (12, 64, 64, 3)


def test_transparency_is_left_out() -> None:
    images = torch.cat([BATCH, torch.rand(12, 64, 64, 1)], dim=-1)
    assert torch.equal(ImageClips(images, "a dog").read(0).frames, BATCH)


def test_what_makes_no_clip_is_told() -> None:
    with pytest.raises(ValueError, match="^The clip has no caption."):
        ImageClips(BATCH, " ")
    with pytest.raises(ValueError, match="^The batch has 12 images, but 7 frames at str"):
        ImageClips(BATCH, "a dog", stride=2, frames=7)
    with pytest.raises(ValueError, match="^The batch has 1 images, but 2 frames at stride 1"):
        ImageClips(BATCH[:1], "a dog")
    assert len(ImageClips(BATCH, "a dog", frames=1)) == 12
    with pytest.raises(ValueError, match="^stride is 0; set it to 1 or more.$"):
        ImageClips(BATCH, "a dog", stride=0)
    with pytest.raises(ValueError, match="^The training size is 63 x 64; both sides must be mult"):
        ImageClips(BATCH[:, :, :63], "a dog")
    with pytest.raises(ValueError, match=r"^The images are of shape \(12, 64, 64\);"):
        ImageClips(BATCH[..., 0], "a dog")


def test_a_still_is_repeated() -> None:
    clips = StillClips(BATCH, "a dog", frames=3, width=64, height=64)
    assert len(clips) == 12
    assert numbers(clips.read(7).frames) == [7, 7, 7]
    with pytest.raises(ValueError, match="^A camera move of 1 frames is none; set frames to 2 or"):
        StillClips(BATCH, "a dog", frames=1)


def test_the_description_follows_pixels_and_settings() -> None:
    other = BATCH.clone()
    other[3, 5, 5, 0] += 0.01
    seen = [
        ImageClips(BATCH, "a dog").description(),
        ImageClips(other, "a dog").description(),
        ImageClips(BATCH, "a cat").description(),
        ImageClips(BATCH, "a dog", stride=2).description(),
        ImageClips(BATCH, "a dog", frames=3).description(),
        ImageClips(BATCH, "a dog", width=128).description(),
        StillClips(BATCH, "a dog", 12, 64, 64).description(),
        StillClips(BATCH, "a dog", 12, 64, 128).description(),
    ]
    assert all(seen.count(one) == 1 for one in seen)
    assert ImageClips(BATCH.clone(), "a dog").description() == seen[0]
