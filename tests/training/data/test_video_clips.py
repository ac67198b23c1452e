"""Clips of videos: which frames, captions and sizes, and what is said of those that do not fit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support.videos import (
    damage,
    numbered,
    numbers,
    write_captioned,
    write_images,
    write_video,
)
from animatediff_kit.training.data.clips import UnreadableClip
from animatediff_kit.training.data.medium import MediumError
from animatediff_kit.training.data.video_clips import VideoClips
from animatediff_kit.training.data.video_settings import VideoSettings

FIXED: dict[str, Any] = dict(captions="fixed caption", caption="a clip")


def clips_of(folder: Path, **settings: Any) -> VideoClips:
    return VideoClips(folder, VideoSettings(**{"width": 64, "height": 64, **settings}))


def shown(clips: VideoClips, index: int) -> list[int]:
    return numbers(clips.read(index).frames)


def test_a_clip_is_frames_at_a_stride_with_its_caption(tmp_path: Path) -> None:
    write_captioned(tmp_path / "a.mp4", 40, "a red car")
    clips = clips_of(tmp_path, frames=5, stride=4)
    clip = clips.read(0)
    assert (len(clips), clip.name, clip.caption) == (1, "a.mp4", "a red car")
    assert clip.frames.shape == (5, 64, 64, 3) and clip.frames.dtype == torch.float32
    assert 0 <= clip.frames.min() and clip.frames.max() <= 1
    first, *_ = read = numbers(clip.frames)
    assert read == [first + 4 * i for i in range(5)]


def test_starts_are_spread_over_all_that_fits(tmp_path: Path) -> None:
    for i in range(12):
        write_video(tmp_path / f"{i}.mp4", 20)
    clips = clips_of(tmp_path, frames=2, stride=4, clips_per_video=4, **FIXED)
    found = {shown(clips, i)[0] for i in range(len(clips))}
    assert found == set(range(16))
    assert clips.name(1) == "0.mp4 #2"
    for first in range(0, len(clips), 4):
        starts = [shown(clips, first + k)[0] for k in range(4)]
        assert [start // 4 for start in starts] == [0, 1, 2, 3]


def test_starts_hang_on_the_seed_and_the_files_name_alone(tmp_path: Path) -> None:
    for name in "bcde":
        write_video(tmp_path / f"{name}.mp4", 60)
    settings = dict(frames=2, stride=1, **FIXED)
    before = [shown(clips_of(tmp_path, **settings), i) for i in range(4)]
    assert len({start for start, _ in before}) > 1
    write_video(tmp_path / "a.mp4", 60)
    after = [shown(clips_of(tmp_path, **settings), i) for i in range(5)]
    assert after[1:] == before
    other = [shown(clips_of(tmp_path, seed=1, **settings), i) for i in range(5)]
    assert other != after


def test_an_image_sequence_is_a_clip(tmp_path: Path) -> None:
    write_images(tmp_path / "walk", 11)
    clips = clips_of(tmp_path, frames=3, stride=5, captions="file name")
    assert shown(clips, 0) == [0, 5, 10] and clips.caption(0) == "walk"


def test_frames_come_at_the_training_size(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", [numbered(i, 96, 192) for i in range(4)])
    clips = clips_of(tmp_path, frames=4, stride=1, width=128, height=72, **FIXED)
    assert clips.source(0).frames.shape == (4, 96, 192, 3)
    assert clips.read(0).frames.shape == (4, 72, 128, 3)


def test_aspect_buckets_keep_the_shape(tmp_path: Path) -> None:
    write_video(tmp_path / "tall.mp4", [numbered(i, 256, 128) for i in range(2)])
    write_video(tmp_path / "wide.mp4", [numbered(i, 128, 256) for i in range(2)])
    settings = dict(frames=2, stride=1, width=192, height=192, **FIXED)
    clips = clips_of(tmp_path, aspect_buckets=True, **settings)
    assert [tuple(clips.read(i).frames.shape) for i in (0, 1)] == [
        (2, 256, 128, 3),
        (2, 128, 256, 3),
    ]
    assert shown(clips, 0) == [0, 1]


def test_the_mirror_doubles_the_set_and_swaps_the_words(tmp_path: Path) -> None:
    write_captioned(tmp_path / "a.mp4", 4, "a dog runs left")
    write_captioned(tmp_path / "b.mp4", 4, "a cat turns clockwise")
    clips = clips_of(tmp_path, frames=2, stride=2, mirror=True)
    assert [clips.caption(i) for i in range(4)] == [
        "a dog runs left",
        "a cat turns clockwise",
        "a dog runs right",
        "a cat turns anticlockwise",
    ]
    assert clips.name(2) == "a.mp4 (mirrored)"
    for i in (0, 1):
        assert torch.equal(clips.read(i + 2).frames, clips.read(i).frames.flip(2))
        assert not torch.equal(clips.read(i + 2).frames, clips.read(i).frames)


def test_what_is_too_short_is_told_at_once(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", 61)
    write_video(tmp_path / "b.mp4", 40)
    assert len(clips_of(tmp_path, frames=10, stride=4, **FIXED)) == 2
    with pytest.raises(
        ValueError,
        match=r"^b.mp4 has 40 frames, but 16 frames at stride 4 need 61 \(1 of 2 are too short\). "
        "Set stride to 2, or take the short videos out.$",
    ):
        clips_of(tmp_path, **FIXED)
    with pytest.raises(ValueError, match="need 63.*Set frames to 40 and stride to 1, or take the"):
        clips_of(tmp_path, frames=63, stride=1, **FIXED)
    assert len(clips_of(tmp_path, stride=2, **FIXED)) == 2
    assert len(clips_of(tmp_path, frames=40, stride=1, **FIXED)) == 2


def test_a_video_of_one_frame(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", 1)
    with pytest.raises(ValueError, match="^a.mp4 has 1 frame, but 16 .* need 61. A still has no m"):
        clips_of(tmp_path, **FIXED)
    assert shown(clips_of(tmp_path, frames=1, **FIXED), 0) == [0]


def test_an_unreadable_header_is_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_video(tmp_path / "a.mp4", 4)
    (tmp_path / "b.mp4").write_bytes(b"no video at all" * 30)
    clips = clips_of(tmp_path, frames=2, stride=1, **FIXED)
    assert [clips.name(i) for i in range(len(clips))] == ["a.mp4"]
    warnings = [r.getMessage() for r in caplog.records if r.name.startswith("animatediff_kit")]
    (warning,) = warnings
    assert warning.startswith("b.mp4 cannot be decoded (Invalid data")
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(ValueError, match="^None of the 1 clips can be read: b.mp4 cannot be decod"):
        clips_of(tmp_path, frames=2, stride=1, **FIXED)


def test_damaged_pictures_are_named_when_they_are_read(tmp_path: Path) -> None:
    damage(write_video(tmp_path / "a.mp4", 4))
    clips = clips_of(tmp_path, frames=4, stride=1, **FIXED)
    for read in (clips.read, clips.source):
        with pytest.raises(UnreadableClip, match="^a.mp4 "):
            read(0)


def test_missing_captions(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", 4)
    with pytest.raises(ValueError, match="^a.mp4 has no caption: a.txt is missing or empty"):
        clips_of(tmp_path, frames=2, stride=1)


@pytest.mark.parametrize("name", ["frames", "stride", "clips_per_video"])
def test_counts_below_one_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is 0; set it to 1 or more.$"):
        clips_of(tmp_path, **{name: 0})


def test_the_description_tells_what_decides_the_pixels(tmp_path: Path) -> None:
    video = write_captioned(tmp_path / "a.mp4", 30, "a dog")
    settings: dict[str, Any] = dict(frames=2, stride=1)

    def described(**changes: Any) -> str:
        return json.dumps(clips_of(tmp_path, **{**settings, **changes}).description())

    first = described()
    assert described() == first
    assert described(caption="unused in this mode") == first
    changes: list[dict[str, Any]] = [
        dict(frames=3),
        dict(stride=2),
        dict(width=128),
        dict(height=128),
        dict(seed=1),
        dict(clips_per_video=2),
        dict(mirror=True),
        dict(aspect_buckets=True),
        FIXED,
    ]
    seen = [first, *(described(**change) for change in changes)]
    video.with_suffix(".txt").write_text("a cat")
    seen.append(described())
    write_video(video, 31)
    seen.append(described())
    assert len(set(seen)) == len(seen)


def test_a_csv_gives_videos_and_captions(tmp_path: Path) -> None:
    write_video(tmp_path / "11.mp4", 4)
    (tmp_path / "set.csv").write_text("videoid,name,page_dir\n11,a dog,x\n")
    clips = clips_of(tmp_path / "set.csv", frames=2, stride=1)
    assert (clips.name(0), clips.caption(0)) == ("11.mp4", "a dog")
    (tmp_path / "set.csv").write_text("videoid,name,page_dir\n11,,x\n")
    sentence = "11.mp4 has no caption: the column name of set.csv, line 2, is missing or empty"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        clips_of(tmp_path / "set.csv", frames=2, stride=1)


def test_nothing_is_decoded_before_it_is_asked_for(tmp_path: Path) -> None:
    """A set of files that are gone by then still has names and captions."""
    write_captioned(tmp_path / "a.mp4", 4, "a dog")
    clips = clips_of(tmp_path, frames=2, stride=1)
    (tmp_path / "a.mp4").unlink()
    assert (clips.name(0), clips.caption(0)) == ("a.mp4", "a dog")
    with pytest.raises(MediumError, match="^a.mp4 cannot be read"):
        clips.read(0)


def test_there_is_no_clip_behind_the_last(tmp_path: Path) -> None:
    write_captioned(tmp_path / "a.mp4", 4, "a dog")
    with pytest.raises(IndexError):
        clips_of(tmp_path, frames=2, stride=1).name(1)
