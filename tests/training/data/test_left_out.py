"""Clips that do not fit their settings: a few of many are left out and named, more are an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from adk_tests.support import encoders
from adk_tests.support.clip_sets import DrawnClips
from animatediff_kit.training.data.cache import EncodedClips
from animatediff_kit.training.data.camera_moves import CameraMove
from animatediff_kit.training.data.clips import UnfitClip
from animatediff_kit.training.data.fill_cache import encode_clips
from torch import Tensor


class Pictures(DrawnClips):
    """Of 96 x 96 for clips of 64 x 64; the eighth is as small as these."""

    def frame_count(self, index: int) -> int:
        return self.length

    def frames(self, index: int) -> Iterator[Tensor]:
        self.was_read.append(index)
        side = 64 if index == 7 else 96
        yield from torch.rand((self.length, side, side, 3))


@pytest.fixture(scope="module")
def encode() -> Callable[..., EncodedClips]:
    vae, clip = encoders.vae(), encoders.text_encoder()
    return lambda clips, folder: encode_clips(CameraMove(clips, "zoom in"), vae, clip, folder)


def test_one_small_picture_of_many_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, encode: Callable[..., EncodedClips]
) -> None:
    """It is tried again by the next encoding: where it is replaced, it is another clip."""
    cache = encode(Pictures(20), tmp_path)
    assert len(cache) == len(EncodedClips(tmp_path)) == 19
    assert "clip 7" not in [cache.name(index) for index in range(19)]
    said = "1 of 20 clips do not fit their settings and are left out: clip 7. The first: clip 7 is "
    assert caplog.messages[-1].startswith(f"{said}64 x 64, too small for zoom in at 64 x 64: its ")
    again = Pictures(20)
    assert len(encode(again, tmp_path)) == 19 and again.was_read == [7]
    assert caplog.messages[-1].startswith(said)


def test_more_of_them_end_the_encoding(tmp_path: Path, encode: Callable[..., EncodedClips]) -> None:
    with pytest.raises(UnfitClip, match="^clip 7 is 64 x 64, too small for zoom in at 64"):
        encode(Pictures(19), tmp_path)
    with pytest.raises(ValueError, match="holds 7 of 19 clips"):
        EncodedClips(tmp_path)
