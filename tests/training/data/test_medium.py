"""A broken file is left out for good; one that cannot be read ends the encoding, which then goes
on."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from adk_tests.support import encoders
from adk_tests.support.clip_sets import NEEDS_FORK, DrawnClips, result_of
from adk_tests.support.videos import damage, numbers, write_images, write_video
from animatediff_kit.training.data.cache import EncodedClips
from animatediff_kit.training.data.clips import UnreadableClip
from animatediff_kit.training.data.containers import shown_packets
from animatediff_kit.training.data.fill_cache import encode_clips
from animatediff_kit.training.data.medium import MediumError, told_apart
from animatediff_kit.training.data.shards import ShardReader
from animatediff_kit.training.data.sources import find_sources
from animatediff_kit.training.data.video_clips import VideoClips
from animatediff_kit.training.data.video_settings import VideoSettings
from animatediff_kit.training.data.videos import decode
from animatediff_kit.training.data.walk import walk
from av.error import OSError as FFmpegsOSError
from torch import Tensor

FAILS = Path("/proc/self/mem")
"""A file whose first byte the system does not give: Input/output error, as of a dying disk."""

NEEDS_A_FILE_THAT_FAILS = pytest.mark.skipif(not FAILS.is_file(), reason="Linux alone has one")

LONG = 33
"""Frames of a clip: the VAE takes one of these a call."""

SETTINGS = VideoSettings(
    frames=LONG, stride=1, width=64, height=64, captions="fixed caption", caption="a clip"
)


@pytest.fixture(scope="module")
def encode() -> Callable[..., EncodedClips]:
    vae, clip = encoders.vae(), encoders.text_encoder()
    return lambda clips, folder, **more: encode_clips(clips, vae, clip, folder, **more)


def test_a_disk_that_goes_ends_the_encoding_which_then_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, encode: Callable[..., EncodedClips]
) -> None:
    """With a torn file among the clips, which alone is left out, and named at each start."""
    disk, away, cache = tmp_path / "disk", tmp_path / "away", tmp_path / "cache"
    for number in range(13):
        write_video(disk / f"{number:02}.mp4", LONG)
    damage(disk / "00.mp4")

    def unplug(done: int, total: int) -> None:
        if done == 4 and disk.exists():  # two texts, two clips
            disk.rename(away)

    sentence = r"cannot be read \(No such file or directory\), so nobody knows whether it is whole"
    with pytest.raises(MediumError, match=sentence) as told:
        encode(VideoClips(disk, SETTINGS), cache, on_progress=unplug)
    records = ShardReader(cache, "latents").records
    assert 2 <= len(records) < 13 and ["skipped" in one for one in records].count(True) == 1
    kept = f"{len(records)} of 13 clips are encoded and kept; the same run goes on behind them."
    assert str(told.value).endswith(f" or take it out of the source. {kept}")
    assert "00.mp4 " in caplog.messages[-1] and "The clip is left out." in caplog.messages[-1]

    away.rename(disk)
    again = (
        "1 of 13 clips could not be decoded when they were encoded, and are left out: 00.mp4. A "
        "file that is replaced is read again; another cache_folder tries all of them."
    )
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="animatediff_kit"):
            assert len(encode(VideoClips(disk, SETTINGS), cache)) == 12
        assert caplog.messages == [again]
    assert len(ShardReader(cache, "latents").records) == 13


def test_evidence_tells_a_broken_file_from_a_disk_that_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"all of it is there")

    def told(cause: Exception | None) -> None:
        with told_apart("a.mp4", lambda: [path]):
            raise UnreadableClip("a.mp4 cannot be decoded (torn).") from cause

    decoders = FFmpegsOSError(errno.EIO, "Input/output error")
    for cause in (None, OSError("image file is truncated"), OSError(errno.EINVAL, "no"), decoders):
        with pytest.raises(UnreadableClip, match=r"^a.mp4 cannot be decoded \(torn\)\.$"):
            told(cause)
    text = (
        "a.mp4 cannot be read (Stale), so nobody knows whether it is whole. See to its disk, its "
        "network or its permissions and run again, or take it out of the source."
    )
    with pytest.raises(MediumError, match=f"^{re.escape(text)}$"):
        told(OSError(errno.ESTALE, "Stale"))
    path.unlink()
    for cause in (None, decoders):
        with pytest.raises(MediumError, match=r"^a.mp4 cannot be read \(No such file"):
            told(cause)


@NEEDS_A_FILE_THAT_FAILS
@pytest.mark.parametrize("name", ["b.mp4", "b.png"])
def test_a_file_that_the_disk_does_not_give_is_no_clip_to_leave_out(
    tmp_path: Path, name: str
) -> None:
    """Nor a picture that does not move, which it is not known to be."""
    write_video(tmp_path / "a.mp4", LONG)
    (tmp_path / name).symlink_to(FAILS)
    with pytest.raises(MediumError, match=f"{name} cannot be read .Input/output error., so nobody"):
        VideoClips(tmp_path, SETTINGS)


def test_images_that_are_gone_are_waited_for(tmp_path: Path) -> None:
    """Also where as many are left as the clip has: others would be in their places."""
    folder = write_images(tmp_path / "walk", 6)
    settings = VideoSettings(
        frames=2,
        stride=1,
        width=64,
        height=64,
        captions="fixed caption",
        caption="a",
        choice="first",
    )
    clips = VideoClips(tmp_path, settings)
    (folder / "frame 0.png").unlink()
    text = (
        "walk has 5 images and had 6 when it was looked at. Bring them back, or load the clips "
        "again."
    )
    with pytest.raises(MediumError, match=f"^{re.escape(text)}$"):
        clips.read(0)
    shutil.rmtree(folder)
    with pytest.raises(MediumError, match=r"^walk cannot be read \(No such file"):
        clips.read(0)


def test_a_moments_silence_leaves_no_clip_out(
    tmp_path: Path, encode: Callable[..., EncodedClips]
) -> None:
    class Silent(DrawnClips):
        def frames(self, index: int) -> Iterator[Tensor]:
            if index == 3 and 3 not in self.was_read:
                self.was_read.append(index)
                raise UnreadableClip("clip 3 cannot be decoded (Input/output error).")
            yield from super().frames(index)

    cache = encode(Silent(), tmp_path / "a")
    assert len(cache) == 6
    assert torch.equal(cache.latents(3), encode(DrawnClips(), tmp_path / "b").latents(3))


@pytest.mark.parametrize("start", [1, 5])
def test_frames_that_can_be_read_again_are_those_asked_for(tmp_path: Path, start: int) -> None:
    """A file that breaks off as it is read, and is whole when it is looked at again, gives no
    others."""
    path, whole = tmp_path / "a.mkv", tmp_path / "whole.mkv"
    write_video(whole, 40, options={"g": "1"})
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    reads: list[int] = []

    def reduce(height: int, width: int) -> int:
        reads.append(height)
        if len(reads) == 1:
            os.replace(whole, path)
        return 1

    pictures = decode(path, "a.mkv", start, 1, 30, reduce)
    frames = torch.from_numpy(np.stack(pictures)) / 255
    assert len(reads) > 30, "nothing was torn"
    assert numbers(frames) == list(range(start, start + 30))


@pytest.mark.parametrize("is_there", [True, False])
def test_packets_end_where_a_file_does_not_where_its_disk_does(
    tmp_path: Path, is_there: bool
) -> None:
    path = tmp_path / "a.mp4"
    if is_there:
        path.write_bytes(b"broken from here on")

    def demux(stream: Any) -> Iterator[Any]:
        yield SimpleNamespace(size=1, is_discard=False, pts=0)
        raise FFmpegsOSError(errno.EIO, "Input/output error")

    stream = SimpleNamespace(codec_context=SimpleNamespace(name="h264"))
    packets = shown_packets(SimpleNamespace(demux=demux), stream, path, "a.mp4")
    if is_there:
        assert len(list(packets)) == 1
        return
    with pytest.raises(MediumError, match="^a.mp4 cannot be read .No such file"):
        list(packets)


def test_a_clip_that_is_gone_while_frames_are_missing(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", 20, options={"g": "1"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    def reduce(height: int, width: int) -> int:
        path.unlink(missing_ok=True)
        return 1

    with pytest.raises(MediumError, match="^a.mkv cannot be read .No such file"):
        decode(path, "a.mkv", 0, 1, 20, reduce)


def test_a_folder_that_goes_as_it_is_walked_through_is_told(tmp_path: Path) -> None:
    write_images(tmp_path / "set" / "walk", 2)
    with pytest.raises(FileNotFoundError):
        walk(tmp_path, pause=lambda: shutil.rmtree(tmp_path / "set", ignore_errors=True))


@NEEDS_FORK
def test_folders_that_are_refused_are_named(caplog: pytest.LogCaptureFixture) -> None:
    """As lost+found is, on a disk of one's own."""
    disk = Path(tempfile.mkdtemp())

    def found() -> list[Any]:
        if os.geteuid() == 0:
            os.seteuid(65534)
        return [[source.name for source in find_sources(disk)], caplog.messages]

    try:
        disk.chmod(0o755)
        write_video(disk / "a.mp4", 2)
        (disk / "lost+found").mkdir(0o000)
        names, said = result_of(found)
    finally:
        shutil.rmtree(disk)
    assert names == ["a.mp4"] and said == [
        "1 folders are left out, since their permissions do not let this user look into them: "
        "lost+found."
    ]
