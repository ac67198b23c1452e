"""Animations that cannot be written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from animatediff_kit.nodes.evolved.combine import VIDEOS, save_video
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
