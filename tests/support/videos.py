"""Small videos whose frames carry their own number, for tests of what decodes them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from PIL import Image
from torch import Tensor

CODECS = {
    ".mp4": ("h264", "yuv420p"),
    ".mov": ("mpeg4", "yuv420p"),
    ".mkv": ("h264", "yuv420p"),
    ".avi": ("mpeg4", "yuv420p"),
    ".webm": ("libvpx-vp9", "yuv420p"),
    ".gif": ("gif", "rgb8"),
}
SIDE = 64


def numbered(number: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """A picture of 16 squares, dark or bright as the bits of the number, the lowest bit top left.
    -> h w 3, uint8"""
    bits = np.array([number >> i & 1 for i in range(16)]).reshape(4, 4)
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    grey = np.where(bits[rows][:, columns], 220, 30).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def numbers(frames: Tensor) -> list[int]:
    """The numbers of pictures.   frames: f h w 3 in 0..1"""
    read = []
    for frame in frames:
        h, w = frame.shape[0] // 4, frame.shape[1] // 4
        squares = frame[: h * 4, : w * 4].reshape(4, h, 4, w, 3).mean(dim=(1, 3, 4))
        read.append(sum(1 << i for i, bright in enumerate((squares > 0.5).flatten()) if bright))
    return read


def write_video(
    path: Path,
    frames: int | Iterable[np.ndarray],
    rate: int = 12,
    times: list[int] | None = None,
    codec: str = "",
    pixels: str = "",
    options: dict[str, str] | None = None,
    aspect: Fraction | None = None,
    transfer: int | None = None,
) -> Path:
    """A video of these pictures, or of that many numbered ones. times: of each frame, in 1/rate
    seconds, for a variable frame rate.   aspect: a pixel's width by its height"""
    pictures = [numbered(i) for i in range(frames)] if isinstance(frames, int) else list(frames)
    usual = CODECS.get(path.suffix, CODECS[".mp4"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec or usual[0], rate=rate, options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixels or usual[1]
        if aspect:
            stream.sample_aspect_ratio = stream.codec_context.sample_aspect_ratio = aspect
        if transfer:
            stream.codec_context.color_trc = transfer
        for i, picture in enumerate(pictures):
            kind = "rgba" if picture.shape[2] == 4 else "rgb24"
            frame = av.VideoFrame.from_ndarray(picture, format=kind)
            frame.pts = i if times is None else times[i]
            frame.time_base = Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_ticks(path: Path, times: list[int], rate: int) -> Path:
    """A numbered video whose frames lie at these milliseconds, whatever rate its header tells."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=rate)
        stream.width = stream.height = SIDE
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        for i, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(numbered(i), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def trim(path: Path, first: int, frames: int, rate: int = 12) -> Path:
    """Write an edit list into an MP4 that shows these frames alone, as phones do."""
    content = bytearray(path.read_bytes())
    place = content.find(b"elst") + 12
    segment, start = struct.unpack(">Ii", content[place : place + 8])
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        whole, ticks = stream.frames, int(1 / (rate * (stream.time_base or 1)))
    edit = struct.pack(">Ii", segment * frames // whole, start + ticks * first)
    content[place : place + 8] = edit
    path.write_bytes(content)
    return path


def set_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Write a display matrix into an MP4's track header, as a phone does."""
    content = bytearray(path.read_bytes())
    place = content.find(b"tkhd") + 4 + 40
    assert struct.unpack(">9i", content[place : place + 36])[0] == 0x10000
    rows = (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    content[place : place + 36] = struct.pack(">9i", *rows)
    path.write_bytes(content)
    return path


def write_captioned(path: Path, frames: int, caption: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".txt").write_text(caption, encoding="utf-8")
    return write_video(path, frames)


def write_images(folder: Path, frames: int, name: str = "frame {}.png") -> Path:
    folder.mkdir(parents=True)
    for i in range(frames):
        Image.fromarray(numbered(i)).save(folder / name.format(i))
    return folder


def damage(path: Path) -> Path:
    """Overwrite the pictures of an MP4, and leave its header."""
    content = bytearray(path.read_bytes())
    box = content.find(b"mdat") - 4
    size = int.from_bytes(content[box : box + 4], "big")
    content[box + 8 : box + size] = bytes(size - 8)
    path.write_bytes(content)
    return path


def as_images(pictures: Iterable[np.ndarray]) -> Tensor:
    """ComfyUI's IMAGE of pictures.   -> f h w 3"""
    return torch.from_numpy(np.stack(list(pictures)).astype(np.float32) / 255)
