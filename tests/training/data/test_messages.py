"""The texts of errors and warnings of this room that other tests meet by their kind alone."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from adk_tests.support import encoders
from adk_tests.support.clip_sets import DrawnClips
from adk_tests.support.videos import write_video
from animatediff_kit.training.data.cache_identity import (
    identify,
    manifest_of,
    read_manifest,
    write_manifest,
)
from animatediff_kit.training.data.clips import UnreadableClip
from animatediff_kit.training.data.pictures import read_images
from animatediff_kit.training.data.tables import rows
from animatediff_kit.training.data.video_clips import VideoClips
from animatediff_kit.training.data.video_settings import VideoSettings
from animatediff_kit.training.data.videos import frame_times
from PIL import Image


def test_a_checkpoint_without_a_text_encoder() -> None:
    text = "There is no text encoder: the checkpoint has none. Connect one from Load CLIP."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        identify(DrawnClips(), encoders.vae(), None)


@pytest.mark.parametrize("content", ["{}", "[]", "cut {"])
def test_a_manifest_that_is_damaged_or_of_a_later_version(tmp_path: Path, content: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(content)
    text = (
        f"{path} is damaged or of a later version. Choose another cache_folder, or delete that "
        "folder to encode anew."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        read_manifest(tmp_path)
    assert path.read_text() == content


def test_a_cache_folder_that_cannot_be_written(tmp_path: Path) -> None:
    identity = identify(DrawnClips(), encoders.vae(), encoders.text_encoder())
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone").rmdir()
    (tmp_path / "gone").write_text("a file in its place")
    with pytest.raises(ValueError, match=r"Choose another cache_folder, or make room\.$"):
        write_manifest(tmp_path / "gone" / "cache", manifest_of(identity))


def test_a_list_of_other_files_is_no_video(tmp_path: Path) -> None:
    write_video(tmp_path / "real.mp4", 3)
    path = tmp_path / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile real.mp4\n")
    text = r"\): it is a list of other files and no video itself, or it is damaged\.$"
    with pytest.raises(UnreadableClip, match=r"^a list cannot be decoded \(.*" + text):
        frame_times(path, "a list")


def test_a_sequence_of_two_sizes(tmp_path: Path) -> None:
    for number, size in enumerate([(40, 32), (40, 32), (32, 40)]):
        Image.new("RGB", size).save(tmp_path / f"{number}.png")
    text = r"^walk/2\.png is 32 x 40, but the sequence begins at 40 x 32\.$"
    with pytest.raises(UnreadableClip, match=text):
        list(read_images(sorted(tmp_path.glob("*.png")), "walk"))


def test_a_row_with_more_fields_than_columns(tmp_path: Path) -> None:
    table = tmp_path / "clips.csv"
    table.write_text("videoid,name,page_dir\n1,a cat, that sits,here\n")
    text = (
        "clips.csv, line 2, has 4 fields for 3 columns. Put double quotes around a caption that "
        "holds commas."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        list(rows(table))


SETTINGS = VideoSettings(frames=2, stride=1, width=64, height=64)


def test_when_no_video_can_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.mp4").write_bytes(b"no video at all")
        (tmp_path / f"{name}.txt").write_text("a ball")
    text = r"^None of the 2 clips can be read: .* Get the videos again, or convert them to \.mp4\.$"
    with caplog.at_level(logging.WARNING), pytest.raises(ValueError, match=text):
        VideoClips(tmp_path, SETTINGS)
    left_out = [record.getMessage() for record in caplog.records]
    assert len(left_out) == 2 and all(told.endswith(" It is left out.") for told in left_out)
