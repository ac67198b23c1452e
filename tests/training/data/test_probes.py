"""What is known of a file is found out once, and hangs on nothing but its content."""

from __future__ import annotations

import json
import logging
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adk_tests.support.videos import numbered, write_captioned, write_images, write_video
from animatediff_kit.training.data import probes, source_state
from animatediff_kit.training.data.content import END
from animatediff_kit.training.data.probes import Probes
from animatediff_kit.training.data.video_clips import VideoClips
from animatediff_kit.training.data.video_settings import VideoSettings
from PIL import Image

SETTINGS = VideoSettings(frames=2, stride=1, width=64, height=64)


def keys(clips: VideoClips) -> list[Any]:
    return [(clips.name(i), clips.identity(i)) for i in range(len(clips))]


def test_a_file_is_probed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it changes; where it lies and its date make no difference to what its clips are."""
    source, file = tmp_path / "set", tmp_path / "probes.json"
    for name in ("a", "b"):
        write_captioned(source / f"{name}.mp4", 4, f"a dog {name}")
    counted: list[str] = []
    times_of = probes.frame_times

    def noted(path: Path, name: str, *more: Any) -> list[float]:
        counted.append(name)
        return times_of(path, name, *more)

    monkeypatch.setattr(probes, "frame_times", noted)

    def probed(folder: Path) -> list[Any]:
        counted.clear()
        return keys(VideoClips(folder, SETTINGS, probes=Probes(file)))

    first = probed(source)
    assert sorted(counted) == ["a.mp4", "b.mp4"]
    assert probed(source) == first and not counted
    os.utime(source / "a.mp4", (1, 1))
    assert probed(source) == first and counted == ["a.mp4"]
    shutil.copytree(source, tmp_path / "moved")
    assert probed(tmp_path / "moved") == first
    write_captioned(source / "b.mp4", 5, "a dog b")
    changed = probed(source)
    assert changed[0] == first[0] and changed[1] != first[1] and counted == ["b.mp4"]
    file.write_text("[")
    assert probed(source) == changed and len(counted) == 2


def redraw_the_middle(path: Path) -> None:
    """And nothing else: the size stays, and so do the date and both ends."""
    content, stat = bytearray(path.read_bytes()), path.stat()
    begin = len(content) * 11 // 24  # within a picture: 16 pictures have their borders elsewhere
    part = slice(begin, begin + 1000)
    assert END < part.start and part.stop < len(content) - END
    content[part] = bytes(255 - value for value in content[part])
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


PICTURES = {"bmp": {}, "dib": {}, "ppm": {}, "tga": {}, "tif": {}, "png": {"compress_level": 0}}


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("images", [False, True])
def test_pictures_that_are_redrawn_are_others(tmp_path: Path, kind: str, images: bool) -> None:
    """In uncompressed files, whose sizes never change."""
    settings = replace(SETTINGS, captions="fixed caption", caption="a dog", images=images)
    folder = tmp_path / "walk"
    folder.mkdir()
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (300, 300, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.{kind}", **PICTURES[kind])
    before = keys(VideoClips(tmp_path, settings))
    redraw_the_middle(folder / f"1.{kind}")
    assert keys(VideoClips(tmp_path, settings))[-1] != before[-1]


UNPACKED = {
    # a file -> its codec and pixels, and the size of its pictures
    "a.y4m": ("wrapped_avframe", "yuv420p", 128, 192),
    "a.avi": ("rawvideo", "yuv420p", 128, 192),
    "a.mov": ("v210", "yuv422p10le", 128, 192),
    "a.dv": ("dvvideo", "yuv420p", 576, 720),
}


@pytest.mark.parametrize("name", UNPACKED)
def test_a_video_that_is_redrawn_is_another(tmp_path: Path, name: str) -> None:
    """Where its frames are not compressed, or to one size. Others are told by their ends."""
    codec, pixels, height, width = UNPACKED[name]
    frames = (numbered(i, height, width) for i in range(16))
    path = write_video(tmp_path / name, frames, 25, codec=codec, pixels=pixels)
    path.with_suffix(".txt").write_text("a dog")
    before = keys(VideoClips(tmp_path, SETTINGS))
    redraw_the_middle(path)
    assert keys(VideoClips(tmp_path, SETTINGS)) != before


def test_images_in_another_order_are_other_ones(tmp_path: Path) -> None:
    """Of one size and date, as a zip gives them, and remembered before; ComfyUI is told, too."""
    folder, file = write_images(tmp_path / "set" / "walk", 4, "{}.bmp"), tmp_path / "probes.json"
    for image in folder.iterdir():
        os.utime(image, (1, 1))
    settings = replace(SETTINGS, captions="fixed caption", caption="a walk")

    def probed() -> list[Any]:
        return keys(VideoClips(tmp_path / "set", settings, probes=Probes(file)))

    before, state = probed(), source_state.state_of(tmp_path / "set")
    assert probed() == before and source_state.state_of(tmp_path / "set") == state
    for number in range(4):
        (folder / f"{number}.bmp").rename(folder / f"{3 - number}.new")
    for image in list(folder.iterdir()):
        image.rename(image.with_suffix(".bmp"))
    reversed_ = probed()
    assert reversed_ != before and source_state.state_of(tmp_path / "set") != state
    assert reversed_ == keys(VideoClips(tmp_path / "set", settings))


def test_what_was_remembered_in_another_way_is_found_out_anew(tmp_path: Path) -> None:
    """By the sum of the sizes and the newest date, as before, it would be found no more."""
    source, file = tmp_path / "set", tmp_path / "probes.json"
    path = write_captioned(source / "a.mp4", 4, "a dog")
    stat = path.stat()
    then = [stat.st_size, stat.st_mtime_ns, 0, 4, "another content", "", 250]
    file.write_text(json.dumps({str(path): then}))
    assert keys(VideoClips(source, SETTINGS, probes=Probes(file))) == keys(
        VideoClips(source, SETTINGS)
    )


def test_a_few_bad_clips_of_many_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One in 20 is left out; one in 19 is an error."""
    for number in range(20):
        write_captioned(tmp_path / f"{number:02}.mp4", 4, f"a dog {number}")
    (tmp_path / "07.txt").unlink()
    with caplog.at_level(logging.WARNING):
        clips = VideoClips(tmp_path, SETTINGS)
    assert len(clips) == 19 and "07.mp4" not in [clips.name(i) for i in range(19)]
    assert caplog.messages == ["1 of 20 clips have no caption and are left out: 07.mp4."]
    write_captioned(tmp_path / "07.mp4", 1, "a dog")
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert len(VideoClips(tmp_path, SETTINGS)) == 19
    assert caplog.messages == [
        "1 of 20 videos have less than the 2 frames that a clip reaches over, and are left out: "
        "07.mp4."
    ]
    (tmp_path / "19.mp4").unlink()
    with pytest.raises(ValueError, match=r"^07\.mp4 has 1 frame, but 2 frames at stride 1 need 2"):
        VideoClips(tmp_path, SETTINGS)
