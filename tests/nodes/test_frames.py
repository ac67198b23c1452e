"""Play Forth and Back."""

from __future__ import annotations

import pytest
import torch
from animatediff_kit.nodes.frames import PlayForthAndBack


@pytest.mark.parametrize(
    ("frames", "played"),
    [(5, [0, 1, 2, 3, 4, 3, 2, 1]), (3, [0, 1, 2, 1]), (2, [0, 1]), (1, [0])],
)
def test_no_end_is_shown_twice(frames: int, played: list[int]) -> None:
    images = torch.rand(frames, 4, 6, 3)
    (both,) = PlayForthAndBack.execute(images).args
    assert torch.equal(both, images[played])
