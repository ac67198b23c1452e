"""Decoding gives the frames that were asked for, upright, from every kind of file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from adk_tests.support.videos import (
    CODECS,
    damage,
    numbered,
    numbers,
    trim,
    write_ticks,
    write_video,
)
from animatediff_kit.training.data.clips import UnreadableClip
from animatediff_kit.training.data.display import Picture
from animatediff_kit.training.data.videos import decode, frame_times

EVERY_KIND = pytest.mark.parametrize("kind", CODECS)


def shown(pictures: list[Picture]) -> list[int]:
    return numbers(torch.from_numpy(np.stack(pictures)) / 255)


@EVERY_KIND
def test_frames_at_a_stride(tmp_path: Path, kind: str) -> None:
    video = write_video(tmp_path / f"a{kind}", 20)
    assert len(frame_times(video, video.name)) == 20
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


def test_a_rate_that_lies_leads_no_jump_astray(tmp_path: Path) -> None:
    """The header says 10 frames a second, and 30 come."""
    times = [round(i * 100 / 3) for i in range(400)]
    video = write_ticks(tmp_path / "a.mkv", times, rate=10)
    assert len(frame_times(video, "a.mkv")) == 400
    assert shown(decode(video, "a.mkv", 371, 2, 4)) == [371, 373, 375, 377]


def test_a_pause_is_no_frames(tmp_path: Path) -> None:
    times = [i * 33 + (i >= 30) * 4000 for i in range(60)]
    video = write_ticks(tmp_path / "a.mkv", times, rate=30)
    assert len(frame_times(video, "a.mkv")) == 60


def test_what_an_edit_list_cuts_away_is_not_counted(tmp_path: Path) -> None:
    video = trim(write_video(tmp_path / "a.mp4", 600), first=30, frames=540)
    assert len(frame_times(video, "a.mp4")) == 540
    assert shown(decode(video, "a.mp4", 0, 1, 2)) == [30, 31]
    assert shown(decode(video, "a.mp4", 400, 1, 2)) == [430, 431]
    assert shown(decode(video, "a.mp4", 538, 1, 2)) == [568, 569]


def hide_frame(source: Path, path: Path, number: int) -> Path:
    """A copy of a VP8 video in which one frame is for reference alone: RFC 6386's show_frame."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream: Any = new.add_stream_from_template(old.streams.video[0])
        for i, packet in enumerate(p for p in old.demux(video=0) if p.size):
            content = bytearray(bytes(packet))
            content[0] &= 0xEF if i == number else 0xFF
            copy = av.Packet(bytes(content))
            copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
            copy.is_keyframe, copy.stream = packet.is_keyframe, stream
            new.mux(copy)
    return path


def test_hidden_reference_frames_are_not_counted(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.webm", 20, codec="libvpx")
    video = hide_frame(whole, tmp_path / "a.webm", 5)
    assert len(frame_times(whole, "whole.webm")) == 20
    assert len(frame_times(video, "a.webm")) == 19
    assert shown(decode(video, "a.webm", 3, 1, 4)) == [3, 4, 6, 7]


def test_a_file_that_breaks_off_counts_what_is_left(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mkv", 200)
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    count = len(frame_times(video, "a.mkv"))
    assert 50 < count < 150
    assert shown(decode(video, "a.mkv", count - 12, 1, 8))[0] == count - 12


def test_a_size_that_changes_within_a_clip(tmp_path: Path) -> None:
    small = write_video(tmp_path / "small.ts", 12)
    wide = write_video(tmp_path / "wide.ts", [numbered(i, 64, 128) for i in range(12)])
    both = tmp_path / "a.ts"
    both.write_bytes(small.read_bytes() + wide.read_bytes())
    assert len(frame_times(both, "a.ts")) == 24
    assert decode(both, "a.ts", 2, 1, 8)[0].shape == (64, 64, 3)
    assert decode(both, "a.ts", 14, 1, 8)[0].shape == (64, 128, 3)
    sentence = "^a.ts changes its size from 64 x 64 to 128 x 64 within a clip.$"
    with pytest.raises(UnreadableClip, match=sentence):
        decode(both, "a.ts", 8, 1, 8)


@pytest.mark.parametrize(("number", "curve"), [(16, "PQ"), (18, "HLG"), (1, "")])
def test_an_hdr_video_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, number: int, curve: str
) -> None:
    video = write_video(tmp_path / "a.mp4", 4, transfer=number)
    frame_times(video, "a.mp4")
    assert [record.getMessage() for record in caplog.records if curve] == [
        f"a.mp4 is an HDR video ({curve}); its colours are taken as they are and look pale. "
        "Convert it to SDR for the right ones."
    ] * bool(curve)
    assert len(caplog.records) == bool(curve)


def test_damage_is_named(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mp4", 20)
    (tmp_path / "text.mp4").write_bytes(b"no video at all" * 30)
    (tmp_path / "half.mp4").write_bytes(whole.read_bytes()[:600])
    for name in ("text.mp4", "half.mp4"):
        with pytest.raises(UnreadableClip, match=f"^{name} cannot be decoded \\(Invalid data"):
            frame_times(tmp_path / name, name)
    damaged = damage(whole)
    assert len(frame_times(damaged, "a.mp4")) == 20
    with pytest.raises(UnreadableClip, match="^a.mp4 "):
        decode(damaged, "a.mp4", 0, 1, 20)
    with pytest.raises(UnreadableClip, match=r"^gone.mp4 cannot be decoded \(No such file"):
        frame_times(tmp_path / "gone.mp4", "gone.mp4")
