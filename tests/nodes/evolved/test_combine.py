"""Animations that cannot be written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from animatediff_kit.nodes.evolved.combine import VIDEOS, place_of, save_video
from PIL import Image

H264 = VIDEOS["video/h264-mp4"]


def test_a_video_with_an_odd_side(tmp_path: Path) -> None:
    said = r"^Frames of 31x32 pixels cannot become a video, whose sides are even\. Use image/gif"
    with pytest.raises(ValueError, match=said):
        save_video([Image.new("RGB", (31, 32))], tmp_path / "a.mp4", 8, H264)
    assert not list(tmp_path.iterdir())


def test_a_codec_that_pyav_lacks(tmp_path: Path) -> None:
    unknown = replace(H264, codec="h999")
    said = r"^This PyAV has no h999\. Choose another format, such as video/h264-mp4\.$"
    with pytest.raises(ValueError, match=said):
        save_video([Image.new("RGB", (32, 32))], tmp_path / "a.mp4", 8, unknown)


PREFIXES = {
    "a\0b": r"^filename_prefix 'a\\x00b' holds a control character, '\\x00', as its character 2",
    "\ud800": r"^filename_prefix '\\ud800' holds half a character",
    "../x": r"^filename_prefix '../x' leads out of .*, or no folder can be made there\. Write a ",
    f"{'a' * 300}/x": r"^filename_prefix 'a+'\.\.\. leads out of .*, or no folder can be made",
}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_that_no_file_can_have(prefix: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=PREFIXES[prefix]):
        place_of(prefix, str(tmp_path), 64, 64)
    assert not list(tmp_path.iterdir())
