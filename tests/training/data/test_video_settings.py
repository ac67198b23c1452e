"""What settings cut from videos: frames at even times, lengths, images, captions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support.videos import (
    numbered,
    numbers,
    write_captioned,
    write_images,
    write_video,
)
from animatediff_kit.training.data.clips import UnreadableClip
from animatediff_kit.training.data.video_clips import VideoClips
from animatediff_kit.training.data.video_settings import VideoSettings
from animatediff_kit.training.data.videos import decode_at
from PIL import Image

FIXED: dict[str, Any] = dict(captions="fixed caption", caption="a clip")


def clips_of(folder: Path, **settings: Any) -> VideoClips:
    return VideoClips(folder, VideoSettings(**{"width": 64, "height": 64, **settings}))


def shown(clips: VideoClips, index: int) -> list[int]:
    return numbers(clips.read(index).frames)


def test_one_speed_of_videos_of_every_rate(tmp_path: Path) -> None:
    """Frames at 8 a second are the same moments of a video that is stored at 12, 24, 30 or 60
    frames a second, as a GIF, or with a rate that varies; their numbers tell the moment."""
    for rate in (24, 30, 60):
        pictures = [numbered(round(1000 * i / rate)) for i in range(2 * rate)]
        write_video(tmp_path / f"{rate}.mp4", pictures, rate=rate)
    ticks = [0, 1, 2, 4, 5, 6, 9, 10, 11, 12, 15, 18, 19, 21, 23, 24, 27, 29, 30, 33, 36]
    write_video(
        tmp_path / "vary.mkv", [numbered(round(1000 * t / 24)) for t in ticks], 24, times=ticks
    )
    write_video(tmp_path / "w.gif", [numbered(40 * i) for i in range(50)], rate=25)
    clips = clips_of(tmp_path, frames=9, fps=8.0, choice="first", **FIXED)
    assert [clips.name(i) for i in range(5)] == [
        "24.mp4",
        "30.mp4",
        "60.mp4",
        "vary.mkv",
        "w.gif",
    ]
    for index, most in enumerate((1, 17, 9, 84, 21)):
        moments = shown(clips, index)
        assert max(abs(m - 125 * k) for k, m in enumerate(moments)) <= most, clips.name(index)
    counted = clips_of(tmp_path, frames=9, stride=2, choice="first", **FIXED)
    assert [shown(counted, i)[-1] for i in range(3)] == [667, 533, 267], "speeds of before"


def test_the_speed_of_animations_and_sequences(tmp_path: Path) -> None:
    images = [Image.fromarray(numbered(i, 128, 128)) for i in range(12)]
    delays = [50] * 6 + [200] * 6
    more = dict(save_all=True, append_images=images[1:], duration=delays, lossless=True)
    images[0].save(tmp_path / "a.webp", **more)
    write_images(tmp_path / "walk", 12)
    clips = clips_of(tmp_path, frames=5, fps=10.0, choice="first", **FIXED)
    assert shown(clips, 0) == [0, 2, 4, 6, 6] and shown(clips, 1) == [0, 1, 2, 3, 4]
    ends = clips_of(tmp_path, frames=5, fps=10.0, choice="all", **FIXED)
    assert [ends.name(i) for i in range(len(ends))] == [
        "a.webp #1",
        "a.webp #2",
        "walk #1",
        "walk #2",
    ]
    assert shown(ends, 1) == [7, 7, 8, 8, 9] and shown(ends, 3) == [5, 6, 7, 8, 9]


def test_a_video_that_breaks_off_by_time(tmp_path: Path) -> None:
    """Of what can be decoded, the last that fits is taken."""
    video = write_video(tmp_path / "a.mkv", 96, rate=24, options={"g": "6"})
    assert shown_at(video, 3.5, 8, 4) == [84, 87, 90, 93]
    assert shown_at(video, 3.9, 8, 4) == [86, 89, 92, 95]
    sentence = "^a.mkv breaks off after 3.96 seconds, but 40 frames at 8 a second need 4.88.$"
    with pytest.raises(UnreadableClip, match=sentence):
        shown_at(video, 0.0, 8, 40)
    long = write_video(tmp_path / "b.mp4", 480, rate=24)
    assert shown_at(long, 15.0, 8, 4) == [360, 363, 366, 369]


def shown_at(video: Path, start: float, fps: float, frames: int) -> list[int]:
    pictures = decode_at(video, video.name, start, fps, frames)
    return numbers(torch.stack([torch.from_numpy(picture) for picture in pictures]) / 255)


def test_the_key_of_a_clip_by_time(tmp_path: Path) -> None:
    """Rate and start are in it, the stride is not; without a rate it is what it always was."""
    write_captioned(tmp_path / "a.mp4", 60, "a dog")
    plain = clips_of(tmp_path, frames=4, stride=2).identity(0)
    assert list(plain) == [
        "content",
        "start",
        "frames",
        "stride",
        "size",
        "aspect_buckets",
        "mirrored",
    ]
    timed = clips_of(tmp_path, frames=4, stride=2, fps=6.0).identity(0)
    assert timed["fps"] == 6.0 and "stride" not in timed and 0 <= timed["start"] <= 4917 - 500
    assert timed == clips_of(tmp_path, frames=4, stride=9, fps=6.0).identity(0)
    assert timed != clips_of(tmp_path, frames=4, fps=12.0).identity(0)


def test_buckets_of_lengths(tmp_path: Path) -> None:
    for name, frames in (("a", 20), ("b", 9), ("c", 8)):
        write_video(tmp_path / f"{name}.mp4", frames)
    clips = clips_of(tmp_path, stride=1, frame_buckets=(8, 16), choice="first", **FIXED)
    assert [len(clips.read(i).frames) for i in range(3)] == [16, 8, 8]
    assert [clips.frame_count(i) for i in range(3)] == [16, 8, 8]
    assert [clips.identity(i)["frames"] for i in range(3)] == [16, 8, 8]


def test_images_are_clips_of_one_frame(tmp_path: Path) -> None:
    write_images(tmp_path / "deep" / "set", 3)
    for i in range(3):
        (tmp_path / "deep" / "set" / f"frame {i}.txt").write_text(f"a picture {i}")
    write_video(tmp_path / "a.mp4", 9)
    clips = clips_of(tmp_path, images=True, fps=8.0, clips_per_video=1)
    assert [clips.name(i) for i in range(3)] == [f"deep/set/frame {i}.png" for i in range(3)]
    assert [shown(clips, i) for i in range(3)] == [[0], [1], [2]]
    assert clips.caption(2) == "a picture 2"
    assert clips.identity(0) == clips_of(tmp_path, images=True, stride=7).identity(0)
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="^No images lie in .*none: looked for .png, .jpg"):
        clips_of(tmp_path / "none", images=True)


def test_a_trigger_and_several_captions(tmp_path: Path) -> None:
    video = write_captioned(tmp_path / "a.mp4", 4, "a dog  runs left\n\nan animal\n")
    settings: dict[str, Any] = dict(frames=2, stride=1, mirror=True, trigger=" zwx ")
    clips = clips_of(tmp_path, captions="sidecar lines", **settings)
    assert clips.captions(0) == ("zwx, a dog runs left", "zwx, an animal")
    assert clips.captions(1) == ("zwx, a dog runs right", "zwx, an animal")
    assert clips.caption(1) == "zwx, a dog runs right"
    assert clips_of(tmp_path, **settings).captions(0) == ("zwx, a dog runs left an animal",)
    video.with_suffix(".txt").write_text("\n \n")
    with pytest.raises(ValueError, match="^a.mp4 has no caption: a.txt is missing or empty"):
        clips_of(tmp_path, captions="sidecar lines", **settings)
