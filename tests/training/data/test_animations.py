"""Pictures that move are clips of their frames, as GIFs are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adk_tests.support.videos import numbered, numbers, write_images
from animatediff_kit.training.data.animations import count_animation, decode_animation
from animatediff_kit.training.data.clips import UnreadableClip
from animatediff_kit.training.data.kinds import moves
from animatediff_kit.training.data.video_clips import VideoClips
from animatediff_kit.training.data.video_settings import VideoSettings
from PIL import Image

KINDS = {".webp": {"quality": 95}, ".png": {}, ".apng": {"format": "PNG"}, ".avif": {}, ".gif": {}}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def write(path: Path, frames: int, **options: Any) -> Path:
    first, *others = [Image.fromarray(numbered(i)) for i in range(frames)]
    settings = {"save_all": True, "append_images": others, "duration": 80}
    path.parent.mkdir(parents=True, exist_ok=True)
    first.save(path, **{**settings, **KINDS[path.suffix], **options})
    return path


def clips_of(folder: Path) -> VideoClips:
    settings = VideoSettings(
        frames=5, stride=3, width=64, height=64, captions="fixed caption", caption="a light"
    )
    return VideoClips(folder, settings)


@EVERY_KIND
def test_an_animation_is_a_clip(tmp_path: Path, kind: str) -> None:
    write(tmp_path / f"a{kind}", 16)
    write(tmp_path / f"deep/b{kind}", 13)
    clips = clips_of(tmp_path)
    assert [clips.name(i) for i in (0, 1)] == [f"a{kind}", f"deep/b{kind}"]
    first, *_ = shown = numbers(clips.read(0).frames)
    assert shown == [first + 3 * i for i in range(5)]
    assert numbers(clips.read(1).frames) == [0, 3, 6, 9, 12]


@pytest.mark.parametrize("kind", [".webp", ".png", ".avif"])
def test_a_still_is_no_animation(tmp_path: Path, kind: str) -> None:
    write_images(tmp_path / "walk", 13, "{}" + kind)
    clips = clips_of(tmp_path)
    assert clips.name(0) == "walk"
    assert numbers(clips.read(0).frames) == [0, 3, 6, 9, 12]


def test_the_picture_for_other_programs_is_no_frame(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", 6, default_image=True)
    assert count_animation(path, "a.png") == 5
    pictures = list(decode_animation(path, "a.png", 0, 2, 3))
    assert [int((p[::16, ::16, 0] > 128).flatten() @ (1 << np.arange(16))) for p in pictures] == [
        1,
        3,
        5,
    ]


def test_a_long_profile_hides_no_animation(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(100_000)
    assert moves(write(tmp_path / "a.png", 4, icc_profile=noise))
    assert not moves(write(tmp_path / "b.png", 1, icc_profile=noise))


def test_damage_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", 8)
    with pytest.raises(UnreadableClip, match="^a.png has 8 frames now, fewer than before.$"):
        list(decode_animation(path, "a.png", 4, 2, 3))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableClip, match="^a.png cannot be decoded "):
        list(decode_animation(path, "a.png", 0, 1, 8))
    path.write_bytes(b"nothing")
    assert not moves(path)
    with pytest.raises(UnreadableClip, match="^a.png cannot be decoded "):
        count_animation(path, "a.png")
