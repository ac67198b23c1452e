"""Decoding gives the frames that were asked for, upright, from every kind of file."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from adk_tests.support.videos import CODECS, damage, numbered, numbers, write_images, write_video
from animatediff_kit.training.data.clips import UnreadableClip
from animatediff_kit.training.data.videos import Picture, count_frames, decode, read_images
from PIL import Image

EVERY_KIND = pytest.mark.parametrize("kind", CODECS)


def shown(pictures: list[Picture]) -> list[int]:
    return numbers(torch.from_numpy(np.stack(pictures)) / 255)


@EVERY_KIND
def test_frames_at_a_stride(tmp_path: Path, kind: str) -> None:
    video = write_video(tmp_path / f"a{kind}", 20)
    assert count_frames(video, video.name) == 20
    assert shown(decode(video, video.name, 3, 4, 5)) == [3, 7, 11, 15, 19]
    assert decode(video, video.name, 0, 1, 1)[0].shape == (64, 64, 3)


@EVERY_KIND
def test_a_start_far_behind_is_reached_by_a_jump(tmp_path: Path, kind: str) -> None:
    video = write_video(tmp_path / f"a{kind}", 400)
    assert shown(decode(video, video.name, 371, 2, 4)) == [371, 373, 375, 377]


def test_a_variable_frame_rate_is_counted_by_frames(tmp_path: Path) -> None:
    times = [0, 1, 5, 6, 20, 21, 22, 40]
    video = write_video(tmp_path / "a.mp4", 8, times=times)
    assert shown(decode(video, video.name, 1, 2, 3)) == [1, 3, 5]
    times = [i + (i > 200) * 50 + i // 7 for i in range(400)]
    video = write_video(tmp_path / "b.mp4", 400, times=times)
    assert shown(decode(video, video.name, 371, 2, 4)) == [371, 373, 375, 377]


def test_fewer_frames_than_the_header_promised(tmp_path: Path) -> None:
    """Of a video that breaks off, the last frames that fit are taken."""
    video = write_video(tmp_path / "a.mp4", 10)
    assert shown(decode(video, "a.mp4", 8, 2, 3)) == [5, 7, 9]
    sentence = "^a.mp4 breaks off after 10 frames, but 6 frames at stride 2 need 11.$"
    with pytest.raises(UnreadableClip, match=sentence):
        decode(video, "a.mp4", 0, 2, 6)


def rotate_mark(path: Path, matrix: tuple[int, ...]) -> None:
    """Write a display matrix into an MP4's track header, as a phone does."""
    content = bytearray(path.read_bytes())
    place = content.find(b"tkhd") + 4 + 40
    assert struct.unpack(">9i", content[place : place + 36])[0] == 0x10000
    content[place : place + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("a", "b", "c", "d", "quarters"), [(0, 1, -1, 0, -1), (0, -1, 1, 0, 1), (-1, 0, 0, -1, 2)]
)
def test_a_phones_rotation_is_carried_out(
    tmp_path: Path, a: int, b: int, c: int, d: int, quarters: int
) -> None:
    """quarters: anticlockwise quarter turns that make the stored picture upright."""
    stored = numbered(0b1, 64, 96)
    video = write_video(tmp_path / "a.mp4", [stored] * 3)
    one = 0x10000
    rotate_mark(video, (a * one, b * one, 0, c * one, d * one, 0, 0, 0, 0x40000000))
    wanted = np.rot90(stored, quarters)
    (picture,) = decode(video, video.name, 0, 1, 1)
    assert picture.shape == wanted.shape
    assert np.abs(picture.astype(float) - wanted).mean() < 8


def test_damage_is_named(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mp4", 20)
    (tmp_path / "text.mp4").write_bytes(b"no video at all" * 30)
    (tmp_path / "half.mp4").write_bytes(whole.read_bytes()[:600])
    for name in ("text.mp4", "half.mp4"):
        with pytest.raises(UnreadableClip, match=f"^{name} cannot be decoded \\(Invalid data"):
            count_frames(tmp_path / name, name)
    damaged = damage(whole)
    assert count_frames(damaged, "a.mp4") == 20
    with pytest.raises(UnreadableClip, match="^a.mp4 "):
        decode(damaged, "a.mp4", 0, 1, 20)
    with pytest.raises(UnreadableClip, match=r"^gone.mp4 cannot be decoded \(No such file"):
        count_frames(tmp_path / "gone.mp4", "gone.mp4")


def test_images_of_a_sequence(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "walk", 4)
    paths = [folder / f"frame {i}.png" for i in (0, 3)]
    assert shown(read_images(paths, "walk")) == [0, 3]
    paths[1].write_bytes(paths[1].read_bytes()[:80])
    with pytest.raises(UnreadableClip, match=re.escape("walk/frame 3.png cannot be decoded (")):
        read_images(paths, "walk")
    Image.fromarray(numbered(0, 64, 128)).save(paths[1])
    with pytest.raises(UnreadableClip, match="^walk/frame 3.png is 128 x 64, but .* at 64 x 64.$"):
        read_images(paths, "walk")


@pytest.mark.skipif(os.name == "nt", reason="Windows names are Unicode")
def test_an_image_whose_name_is_no_utf8_can_be_told_of(tmp_path: Path) -> None:
    image = tmp_path / os.fsdecode(b"caf\xe9.png")
    image.write_bytes(b"damaged")
    with pytest.raises(UnreadableClip, match=r"^walk/caf\\xe9.png cannot be decoded") as told:
        read_images([image], "walk")
    str(told.value).encode()
