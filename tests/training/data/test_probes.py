"""What is known of a file is found out once, and hangs on nothing but its content."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from adk_tests.support.videos import write_captioned
from animatediff_kit.training.data import probes
from animatediff_kit.training.data.probes import END, Probes, content_of
from animatediff_kit.training.data.video_clips import VideoClips
from animatediff_kit.training.data.video_settings import VideoSettings

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

    def noted(path: Path, name: str, on_hdr: Any) -> list[float]:
        counted.append(name)
        return times_of(path, name, on_hdr)

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


def test_content_is_told_by_size_head_and_tail(tmp_path: Path) -> None:
    path = tmp_path / "a"
    whole = bytes(range(256)) * (4 * END // 256)
    seen: set[str] = set()
    for content in (whole, b"x" + whole[1:], whole[:-1] + b"x", whole + b"x", whole[: END // 2]):
        path.write_bytes(content)
        seen.add(content_of([path]))
    assert len(seen) == 5
    (tmp_path / "b").write_bytes(b"other")
    assert content_of([path, tmp_path / "b"]) != content_of([tmp_path / "b", path])


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
