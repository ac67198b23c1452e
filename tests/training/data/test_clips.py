"""How a frame comes to the training size."""

from __future__ import annotations

import re

import pytest
import torch
from adk_tests.support.videos import as_images, numbered, numbers
from animatediff_kit.training.data.clips import (
    LARGE,
    LARGE_CLIP,
    bucket_size,
    check_size,
    fit,
    reduction,
)
from animatediff_kit.training.data.image_clips import ImageClips, StillClips
from animatediff_kit.training.data.video_clips import VideoSettings


def test_a_frame_of_the_right_size_is_untouched() -> None:
    frame = torch.rand(64, 96, 3)
    assert torch.equal(fit(frame, 64, 96), frame)


@pytest.mark.parametrize(("height", "width"), [(96, 192), (200, 96)])
def test_the_middle_is_kept(height: int, width: int) -> None:
    side = min(height, width)
    frame = torch.rand(height, width, 3)
    top, left = (height - side) // 2, (width - side) // 2
    frame[top : top + side, left : left + side] = as_images([numbered(0b1011, side, side)])[0]
    fitted = fit(frame, 64, 64)
    assert fitted.shape == (64, 64, 3) and fitted.is_contiguous()
    assert numbers(fitted[None]) == [0b1011]


def test_fine_stripes_become_grey() -> None:
    """Without antialiasing they would become other stripes."""
    frame = torch.zeros(256, 256, 3)
    frame[:, ::2] = 1.0
    assert (fit(frame, 96, 96) - 0.5).abs().max() < 0.15


def test_a_shape_in_between_is_not_stretched() -> None:
    rows, columns = torch.meshgrid(torch.arange(100.0), torch.arange(160.0), indexing="ij")
    frame = torch.stack([rows, columns, columns], dim=-1)
    fitted = fit(frame, 64, 64)
    assert fitted[:, :, 0].diff(dim=0)[8:-8].mean() == pytest.approx(100 / 64, rel=2e-3)
    assert fitted[:, :, 1].diff(dim=1)[:, 8:-8].mean() == pytest.approx(100 / 64, rel=2e-3)


@pytest.mark.parametrize(
    ("source", "bucket"),
    [
        ((480, 480), (256, 256)),
        ((1080, 1920), (192, 320)),
        ((1920, 1080), (320, 192)),
        ((480, 640), (192, 320)),
        ((100, 400), (128, 512)),
        ((100, 4000), (128, 512)),
    ],
)
def test_aspect_buckets_of_256_by_256(source: tuple[int, int], bucket: tuple[int, int]) -> None:
    assert bucket_size(*source, 256 * 256) == bucket


@pytest.mark.parametrize("area", [64 * 64, 256 * 256, 384 * 256, 512 * 512, 768 * 512])
def test_buckets_are_multiples_of_64_within_the_area(area: int) -> None:
    for width in range(64, 2000, 37):
        h, w = bucket_size(512, width, area)
        assert h % 64 == w % 64 == 0
        assert h * w <= area
        assert h * w >= 0.5 * area


@pytest.mark.parametrize("size", [(256, 100), (260, 256), (8, 256), (0, 0)])
def test_sizes_that_the_vae_would_crop_are_refused(size: tuple[int, int]) -> None:
    sentence = f"The training size is {size[1]} x {size[0]}; both sides must be multiples of 8, 64"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)} or more."):
        check_size(*size)
    check_size(64, 72)


def test_a_clip_that_does_not_fit_into_memory_is_refused_before_it_is_read() -> None:
    said = r"^A clip of 1000000 frames of 4096 x 2048 takes 201326.6 GB of memory, and [\d.]+ GB ar"
    with pytest.raises(ValueError, match=said):
        VideoSettings(frames=10**6, width=4096, height=2048).check()
    with pytest.raises(ValueError, match=said):
        StillClips(torch.rand(1, 64, 64, 3), "x", 10**6, 4096, 2048)
    frame = torch.rand(1, 64, 64, 3)
    with pytest.raises(ValueError, match=said):
        ImageClips(frame.expand(10**6, -1, -1, -1), "x", 1, 0, 4096, 2048)


def test_long_clips_of_large_pictures_are_read_smaller() -> None:
    """All of a clip's pictures are in memory at one time."""
    height, width = 2160, 3840
    assert height * width < LARGE < 64 * height * width
    assert 16 * height * width < LARGE_CLIP < 64 * height * width
    assert reduction(height, width, 256, 256, 16) == 1
    assert reduction(height, width, 256, 256, 64) == 4
    assert reduction(height, width, 2000, 2000, 64) == 1
