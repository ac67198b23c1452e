"""Which stream of a file is the video, and that no other file is opened for it."""

from __future__ import annotations

import contextlib
import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from adk_tests.support.videos import write_video
from animatediff_kit.training.data.clips import UnreadableClip
from animatediff_kit.training.data.containers import readers
from animatediff_kit.training.data.videos import decode, frame_times
from PIL import Image


def box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", 8 + len(payload)) + kind + payload


def boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, whole box) of each box of an MP4."""
    while content:
        size = struct.unpack(">I", content[:4])[0]
        yield content[4:8], content[:size]
        content = content[size:]


def with_cover(path: Path) -> Path:
    """Put a cover picture into an MP4, in front of its track, as drones and downloaders do."""
    jpeg = io.BytesIO()
    Image.new("RGB", (48, 32), (255, 0, 255)).save(jpeg, "JPEG")
    handler = box(b"hdlr", bytes(8) + b"mdir" + b"appl" + bytes(9))
    data = box(b"data", struct.pack(">II", 13, 0) + jpeg.getvalue())
    cover = box(b"udta", box(b"meta", bytes(4) + handler + box(b"ilst", box(b"covr", data))))
    parts = []
    for kind, whole in boxes(path.read_bytes()):
        if kind == b"moov":  # behind mdat, so that no offset moves
            head, *rest = [part for name, part in boxes(whole[8:]) if name != b"udta"]
            whole = box(b"moov", head + cover + b"".join(rest))
        parts.append(whole)
    path.write_bytes(b"".join(parts))
    return path


def test_a_cover_picture_is_not_the_video(tmp_path: Path) -> None:
    video = with_cover(write_video(tmp_path / "a.mp4", 20))
    with av.open(str(video)) as container:
        assert [stream.codec_context.name for stream in container.streams.video][0] == "mjpeg"
    assert len(frame_times(video, "a.mp4")) == 20
    (picture,) = decode(video, "a.mp4", 0, 1, 1)
    assert picture.shape == (64, 64, 3)


def test_a_song_with_a_cover_holds_no_video(tmp_path: Path) -> None:
    song = tmp_path / "a.mp4"
    with av.open(str(song), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate = 8000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(UnreadableClip, match="^a.mp4 holds no video.$"):
        frame_times(song, "a.mp4")
    with pytest.raises(UnreadableClip, match="^a.mp4 holds no video but a cover picture.$"):
        frame_times(with_cover(song), "a.mp4")


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile 'real.mp4'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nreal.mp4\n#EXT-X-ENDLIST\n",
        '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">\n'
        "<Period><BaseURL>real.mp4</BaseURL></Period></MPD>\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.m3u8"])
def test_a_list_of_other_files_is_refused(tmp_path: Path, text: str, name: str) -> None:
    write_video(tmp_path / "real.mp4", 4)
    (tmp_path / name).write_text(text)
    with pytest.raises(UnreadableClip, match=f"^{name} cannot be decoded \\(Inval"):
        frame_times(tmp_path / name, name)


@pytest.mark.skipif(os.name == "nt", reason="Windows allows no such names")
@pytest.mark.parametrize("name", ["concat:a.mp4|b.mp4", "data:,x.mp4", "file:a.mp4"])
def test_no_name_is_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "a.mp4", 4)
    with pytest.raises(UnreadableClip, match="No such file or directory"):
        frame_times(Path(name), name)
    (tmp_path / "a.mp4").rename(tmp_path / name)
    assert len(frame_times(Path(name), name)) == 4


def test_no_reader_opens_what_a_name_means() -> None:
    """As v4l2 does, which takes /dev/video0 for a camera, and image2, which takes %d for numbers.
    FFmpeg marks these."""
    read = set(readers().split(","))
    assert {"avi", "mp4", "webm"} <= read and "hls" not in read
    marked = {kind for kind in av.formats_available if is_marked(kind)}
    assert "image2" in marked and not any(read & set(kind.split(",")) for kind in marked)


def is_marked(kind: str) -> bool:
    with contextlib.suppress(ValueError):
        return bool(av.format.ContainerFormat(kind, "r").flags & 1)
    return False
