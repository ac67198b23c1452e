"""Frames -> one animated file, as AnimateDiff Combine wrote it: GIF, WebP, or a video."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import folder_paths
import numpy as np
from comfy_api.latest import io
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from ...training.files.atomic import write_atomic
from ..texts import CONTROLS, check_text, refuse, shortened
from .inputs import choice, socket, switch, whole
from .old_node import OldNode


@dataclass(frozen=True)
class Video:
    """How a video is encoded, and what its file is called."""

    codec: str
    pixels: str
    extension: str
    options: dict[str, str] = field(default_factory=dict)


VIDEOS = {
    "video/av1-webm": Video("libsvtav1", "yuv420p10le", "webm", {"crf": "23"}),
    "video/h264-mp4": Video("libx264", "yuv420p", "mp4", {"crf": "19"}),
    "video/h265-mp4": Video(
        "libx265", "yuv420p10le", "mp4", {"crf": "22", "x265-params": "log-level=none"}
    ),
    "video/webm": Video("libvpx-vp9", "yuv420p", "webm", {"crf": "23", "b": "0"}),
}
IMAGES = {"image/gif": "gif", "image/webp": "webp"}
FORMATS = [*IMAGES, *VIDEOS]


def combine(
    images: Tensor,
    frame_rate: int = 8,
    loop_count: int = 0,
    filename_prefix: str = "AnimateDiff",
    format: str = "image/gif",
    pingpong: bool = False,
    save_image: bool = True,
    node: Any = None,
    **unknown: Any,
) -> Any:
    """images: n h w c. The first frame lies beside the file as PNG, with the workflow in it."""
    frames = [Image.fromarray(frame) for frame in in_bytes(images)]
    saved = bool(save_image)
    root = folder_paths.get_output_directory() if saved else folder_paths.get_temp_directory()
    width, height = frames[0].size
    folder, name, counter, subfolder = place_of(filename_prefix, root, width, height)
    stem = Path(folder) / f"{name}_{counter:05}_"
    path = stem.with_name(f"{stem.name}.{extension_of(format)}")
    both = frames + frames[-2:0:-1] if pingpong else frames

    def write(beside: Path) -> None:
        if format in IMAGES:
            save_animation(both, beside, IMAGES[format], frame_rate, loop_count)
        else:
            save_video(both, beside, frame_rate, VIDEOS[format])

    still = stem.with_name(f"{stem.name}.png")
    info = workflow_of(node)
    with told_where_it_cannot_be_written(path):
        write_atomic(path, write)
        write_atomic(still, lambda at: frames[0].save(at, "PNG", pnginfo=info, compress_level=4))
    kind = "output" if saved else "temp"
    shown = {"filename": path.name, "subfolder": subfolder, "type": kind, "format": format}
    return io.NodeOutput(str(path), ui={"gifs": [shown], "images": [shown], "animated": (True,)})


def extension_of(format: str) -> str:
    return IMAGES[format] if format in IMAGES else VIDEOS[format].extension


def place_of(prefix: str, root: str, width: int, height: int) -> tuple[str, str, int, str]:
    """Folder, name, number and subfolder of a new file, as ComfyUI's own nodes save theirs. Raises
    ValueError for a prefix that leads elsewhere, or that no file can have."""
    refuse(
        "filename_prefix", check_text("filename_prefix", prefix), CONTROLS, "a control character"
    )
    try:
        return folder_paths.get_save_image_path(prefix, root, width, height)[:4]
    except Exception as error:  # ComfyUI's own for a place outside is no other kind
        raise ValueError(
            f"filename_prefix {shortened(prefix)} leads out of {root}, or no folder can be made "
            "there. Write a name without .. and of ordinary length."
        ) from error


@contextmanager
def told_where_it_cannot_be_written(path: Path) -> Iterator[None]:
    """Raises ValueError for what the system says, and takes the animation away, which would lie
    there without its first frame."""
    try:
        yield
    except OSError as error:
        path.unlink(missing_ok=True)
        raise ValueError(
            f"{path.name} could not be written into {path.parent} ({error.strerror or error}). "
            "Make room there, and run again."
        ) from error


def in_bytes(images: Tensor) -> np.ndarray:
    """n h w c in 0..1 -> the same in 0..255"""
    return np.clip(255.0 * images.cpu().numpy(), 0, 255).astype(np.uint8)


def workflow_of(node: Any) -> PngInfo:
    """The prompt and the page's workflow, as ComfyUI writes them into pictures."""
    info = PngInfo()
    hidden = getattr(node, "hidden", None)
    if hidden is None:
        return info
    if hidden.prompt is not None:
        info.add_text("prompt", json.dumps(hidden.prompt))
    for key, value in (hidden.extra_pnginfo or {}).items():
        info.add_text(key, json.dumps(value))
    return info


def save_animation(
    frames: list[Image.Image], path: Path, kind: str, rate: float, loops: int
) -> None:
    """A GIF or WebP that runs `loops` times more than once, 0 for ever."""
    frames[0].save(
        path,
        kind,
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 / rate),
        loop=loops,
    )


def save_video(frames: list[Image.Image], path: Path, rate: float, video: Video) -> None:
    """Raises ValueError where PyAV was built without the codec, or frames have an odd size."""
    width, height = frames[0].size
    if width % 2 or height % 2:
        raise ValueError(
            f"Frames of {width}x{height} pixels cannot become a video, whose sides are even. Use "
            "image/gif or image/webp, or crop them."
        )
    if video.codec not in av.codecs_available:
        raise ValueError(
            f"This PyAV has no {video.codec}. Choose another format, such as video/h264-mp4."
        )
    with av.open(str(path), mode="w", format=video.extension) as container:
        stream: Any = container.add_stream(video.codec, rate=Fraction(rate), options=video.options)
        stream.width, stream.height, stream.pix_fmt = width, height, video.pixels
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))
        container.mux(stream.encode())


def is_format(name: Any) -> bool | str:
    return name in FORMATS or f"{name!r} is no format; choose one of {', '.join(FORMATS)}."


NODES = (
    OldNode(
        "ADE_AnimateDiffCombine",
        "🚫AnimateDiff Combine [DEPRECATED, Use Video Combine (VHS) Instead!] 🎭🅐🅓",
        lambda: [
            socket("IMAGE", "images", optional=False),
            whole("frame_rate", 8, 1, 240),
            whole("loop_count", 0, 0, 100),
            io.String.Input("filename_prefix", default="AnimateDiff"),
            choice("format", FORMATS),
            switch("pingpong"),
            switch("save_image", True),
        ],
        (("GIF", "GIF"),),
        combine,
        (("format", is_format),),
        is_output=True,
    ),
)
