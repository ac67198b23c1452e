"""How long a video's clips are, and where they begin."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.training.data.clip_starts import Room, room_of, rooms, starts
from animatediff_kit.training.data.probes import Probe
from animatediff_kit.training.data.sources import Source
from animatediff_kit.training.data.video_settings import CHOICES, VideoSettings


def settings(**changes: Any) -> VideoSettings:
    return VideoSettings(**{"frames": 4, "stride": 2, **changes})


def begun(places: int, step: int = 8, **changes: Any) -> list[int]:
    return starts("a.mp4", Room(4, places, step, False), settings(**changes))


def test_the_choices() -> None:
    assert begun(30, choice="first") == [0]
    assert begun(30, choice="first", clips_per_video=3) == [0, 8, 16]
    assert begun(10, choice="first", clips_per_video=3) == [0, 8]
    assert begun(31, choice="uniform") == [15]
    assert begun(31, choice="uniform", clips_per_video=3) == [0, 15, 30]
    assert begun(30, choice="all", clips_per_video=2) == [0, 8, 16, 24]
    assert begun(1, choice="all") == begun(1, choice="uniform") == begun(1) == [0]
    drawn = begun(100, clips_per_video=4)
    assert [start // 25 for start in drawn] == [0, 1, 2, 3] and drawn == begun(
        100, clips_per_video=4
    )
    assert drawn != begun(100, clips_per_video=4, seed=1)


@pytest.mark.parametrize("fps", [0.0, 8.0, 12.5])
def test_all_of_a_video_is_cut_in_windows_that_share_nothing(fps: float) -> None:
    video, cut = Probe(300, "x", "", 9967), settings(choice="all", fps=fps)
    room = room_of(video, False, cut)
    assert room is not None
    begins = starts("a", room, cut)
    reach = 1000 * cut.seconds(4) if fps else cut.span(4)
    last = video.milliseconds if fps else video.frames - 1
    assert begins[0] == 0 and begins[-1] + reach - 1 <= last
    assert begins[-1] + room.step + reach > last
    assert all(b - a > reach - 1 for a, b in zip(begins, begins[1:], strict=False))


def test_the_longest_bucket_that_fits_is_taken() -> None:
    cut = settings(frame_buckets=(8, 24, 16))
    assert cut.lengths == (24, 16, 8)
    for length, frames in ((47, 24), (46, 16), (31, 16), (30, 8), (15, 8)):
        room = room_of(Probe(length, "x"), False, cut)
        assert room is not None and room.frames == frames
    assert room_of(Probe(14, "x"), False, cut) is None
    timed = settings(frame_buckets=(8, 24, 16), fps=8.0)
    room = room_of(Probe(30, "x", "", 2000), False, timed)
    assert room is not None and (room.frames, room.by_time) == (16, True)


def test_a_clip_fits_where_its_last_frame_stands() -> None:
    """16 frames at 8 a second are 1.875 seconds: 46 frames of 24 a second hold them just so."""
    cut = VideoSettings(fps=8.0)
    assert room_of(Probe(46, "x", "", 1875), False, cut) == Room(16, 1, 2000, True)
    assert room_of(Probe(45, "x", "", 1834), False, cut) is None
    assert room_of(Probe(16, "x"), True, cut) == Room(16, 1, 16, False)


def sources(tmp_path: Path, count: int) -> list[Source]:
    return [Source(tmp_path / f"{i}.mp4", f"{i}.mp4", "a", "a") for i in range(count)]


def test_short_videos_by_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one, *others = sources(tmp_path, 20)
    probed = {one: Probe(30, "x", "", 967), **{s: Probe(90, "x", "", 2967) for s in others}}
    cut = VideoSettings(fps=8.0)
    assert list(rooms(probed, cut)) == others
    assert caplog.messages == [
        "1 of 20 videos have less than the 1.88 seconds that a clip reaches over, and are left out:"
        " 0.mp4."
    ]
    few = {s: probed[s] for s in (one, *others[:3])}
    sentence = (
        "^0.mp4 lasts 0.97 seconds from its first frame to its last, but 16 frames at 8 a second "
        r"need 1.88 \(1 of 4 are too short\). Set frames lower or fps higher, or take the short vi"
    )
    with pytest.raises(ValueError, match=sentence):
        rooms(few, cut)
    with pytest.raises(ValueError, match="need 1.88.*Set frame_buckets lower or fps hi"):
        rooms(few, VideoSettings(fps=8.0, frame_buckets=(16, 24)))


def test_videos_of_too_few_frames_a_second_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    slow, fast, near = sources(tmp_path, 3)
    probed = {
        slow: Probe(31, "x", "", 6000),
        fast: Probe(91, "x", "", 3000),
        near: Probe(93, "x", "", 4004),
    }
    assert len(rooms(probed, VideoSettings(frames=8, fps=24.0))) == 3
    (record,) = caplog.records
    assert record.levelno == logging.WARNING and record.getMessage().startswith(
        "1 of 3 videos show fewer than the 24 frames a second that fps asks for, so some frames "
        "are taken twice, which looks like a stutter: 0.mp4."
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (dict(fps=-1.0), "^fps is -1; set it from 0, which counts stored frames, to 1000.$"),
        (dict(fps=float("nan")), "^fps is nan; set it from 0"),
        (
            dict(choice="best"),
            f"^choice is 'best'; set it to one of {', '.join(CHOICES)}.$",
        ),
        (dict(frame_buckets=(16, 0)), "^frame_buckets is 16, 0; set its lengths to 1 or more.$"),
    ],
)
def test_settings_that_cut_no_clip(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        settings(**changes).check()


def test_what_was_added_is_described_where_it_is_set() -> None:
    """Descriptions of caches that lie on disks do not name it."""
    plain = settings().description()
    assert "fps" not in plain and plain["clips_per_video"] == 1 and "caption" not in plain
    told = settings(fps=8.0, frame_buckets=(8,)).description()
    assert told == {**plain, "fps": 8.0, "frame_buckets": (8,)}
