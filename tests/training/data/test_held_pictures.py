"""Single pictures that hold still, for a camera to move over."""

from __future__ import annotations

import pytest
import torch
from adk_tests.support.clip_sets import DrawnClips
from animatediff_kit.training.data.held_pictures import HeldPictures


def test_each_picture_is_held() -> None:
    pictures = DrawnClips(2, length=1)
    held = HeldPictures(pictures, 3)
    assert len(held) == 2 and held.frame_count(1) == 3
    frames = held.read(1).frames
    assert frames.shape[0] == 3 and torch.equal(frames[0], pictures.read(1).frames[0])
    assert torch.equal(frames[0], frames[2])
    assert held.caption(1) == pictures.caption(1) and held.name(1) == pictures.name(1)
    assert held.identity(1) != pictures.identity(1) != HeldPictures(pictures, 4).identity(1)
    assert held.description()["held"] == 3


def test_a_single_frame_is_no_move() -> None:
    with pytest.raises(ValueError, match="^A camera moves over 2 frames or more, and frames is 1"):
        HeldPictures(DrawnClips(1), 1)
