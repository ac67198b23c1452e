"""A camera move crops a clip picture by picture."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from typing import Any

import torch
from adk_tests.support.clip_sets import DrawnClips
from animatediff_kit.training.data.camera_moves import CameraMove, crop
from animatediff_kit.training.data.image_clips import ImageClips, StillClips
from torch import Tensor

from .test_camera_moves import stills


class Large(StillClips):
    """Counts how many of its pictures are alive at once, and the bytes that cropping takes."""

    def frames(self, index: int) -> Iterator[Tensor]:
        self.alive: weakref.WeakSet[Any] = weakref.WeakSet()
        self.most = 0
        for number in range(self.length):
            picture = self.images[index] * (1 - number / 100)
            self.alive.add(Alive(picture))
            self.most = max(self.most, len(self.alive))
            yield picture


class Alive:
    """Lives as long as the storage of a tensor does."""

    def __init__(self, tensor: Tensor) -> None:
        tensor.alive = self  # pyright: ignore[reportAttributeAccessIssue]


def test_a_clips_pictures_are_cropped_one_by_one() -> None:
    """Of 16 pictures at full size no more than two are in memory at once, and the clip is the one
    that is cropped from all of them together."""
    pictures = stills(200, 320)
    large = Large(pictures, "blobs", 16, 64, 64)
    moved = CameraMove(large, "zoom in", seed=3)
    clip = moved.read(0).frames
    assert large.most <= 2
    windows = moved.windows(0, 16, (200, 320))
    finer = math.ceil(max(window.width for window in windows) / 64 - 1e-6)
    expected = [crop(f, w, 64, 64, finer) for f, w in zip(large.frames(0), windows, strict=True)]
    assert torch.equal(clip, torch.stack(expected))
    assert len({frame.sum().item() for frame in clip}) == 16


def test_the_frames_of_every_set_are_counted() -> None:
    drawn = DrawnClips(length=3)
    assert drawn.frame_count(0) == 3
    assert CameraMove(StillClips(stills(), "a", 5), "zoom in").frame_count(0) == 5
    assert ImageClips(stills(count=6), "a", frames=2, width=64, height=64).frame_count(1) == 2
