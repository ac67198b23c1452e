"""Training clips from videos and images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io
from torch import Tensor

from ...training.data.captions import CAPTIONS
from ...training.data.clips import ClipSet
from ...training.data.image_clips import ImageClips
from ...training.data.probes import PROBES, Probes
from ...training.data.source_state import state_of
from ...training.data.video_clips import VideoClips
from ...training.data.video_settings import VideoSettings
from ..places import check_readable
from ..schema import CATEGORY, ClipsSocket, advanced, schema
from ..texts import check_text, unquoted, written_path

CACHE = "animatediff_kit_cache"
"""Below ComfyUI's output folder: where clips are kept that are encoded into no other place, and
what is known of files."""


def caches() -> Path:
    return Path(folder_paths.get_output_directory()) / CACHE


def size_input(name: str, default: int, tooltip: str, least: int = 64) -> io.Int.Input:
    return io.Int.Input(name, default=default, min=least, max=4096, step=8, tooltip=tooltip)


def seed_input(tooltip: str) -> Any:
    """No seed of a sampler's: the page must not change it after a run, or every run would have
    other clips."""
    return advanced(
        io.Int.Input,
        "seed",
        default=0,
        min=0,
        max=0xFFFFFFFFFFFFFFFF,
        control_after_generate=False,
        tooltip=tooltip,
    )


def source_path(source: str) -> Path:
    """A path as people write it; a relative one begins in ComfyUI's input folder. Raises ValueError
    for one that is not to be read."""
    if not unquoted(check_text("source", source)):
        raise ValueError(
            "source is empty. Set it to a folder of videos, or to a CSV in WebVid's columns; "
            "ComfyUI's input folder is where relative paths begin."
        )
    path = written_path("source", source, folder_paths.get_input_directory())
    check_readable(path)
    return path


def check_clips(clips: object) -> None:
    """Raise ValueError for what are no clips, which a workflow that came as JSON may hold."""
    if not isinstance(clips, ClipSet):
        raise ValueError(f"clips is {clips!r}. Connect the node Load Video Clips, or another.")


class LoadVideoClips(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_VideoClips",
            display_name="Load Video Clips",
            category=f"{CATEGORY}/training",
            description="Training clips from a folder of videos and image sequences with captions, "
            "or from a CSV in WebVid's columns. Nothing is decoded before it is encoded.",
            search_aliases=["training videos", "dataset", "load videos", "webvid"],
            inputs=[
                io.String.Input(
                    "source",
                    default="",
                    tooltip="A folder of videos (mp4, webm, gif, mov, mkv, avi) and of sub-folders "
                    "with the images of a clip, or a CSV with the columns videoid, name, page_dir. "
                    "Relative paths begin in ComfyUI's input folder.",
                ),
                io.Int.Input(
                    "frames",
                    default=16,
                    min=1,
                    max=1024,
                    tooltip="Frames of a clip. Motion models are trained on 16; 1 is enough for a "
                    "domain adapter.",
                ),
                io.Int.Input(
                    "stride",
                    default=4,
                    min=1,
                    max=256,
                    tooltip="Video frames from one frame of the clip to the next: more is faster "
                    "motion. The authors' is 4.",
                ),
                size_input("width", 256, "Width of the training clips, cropped to the middle."),
                size_input("height", 256, "Height of the training clips, cropped to the middle."),
                io.Combo.Input(
                    "captions",
                    options=list(CAPTIONS),
                    default=CAPTIONS[0],
                    tooltip="sidecar: the .txt of the video's name, or the CSV's column name. "
                    "file name: its words. fixed caption: the one below for all clips.",
                ),
                io.String.Input(
                    "caption",
                    default="",
                    multiline=True,
                    tooltip="The caption of all clips, where captions is set to fixed caption.",
                ),
                seed_input("Seed of the places in the videos where the clips begin."),
                advanced(
                    io.Int.Input,
                    "clips_per_video",
                    default=1,
                    min=1,
                    max=1000,
                    tooltip="Clips cut from each video, spread over its length.",
                ),
                advanced(
                    io.Boolean.Input,
                    "mirror",
                    default=False,
                    tooltip="Takes each clip once more, mirrored; left and right, clockwise and "
                    "anticlockwise change places in its caption.",
                ),
                advanced(
                    io.Boolean.Input,
                    "aspect_buckets",
                    default=False,
                    tooltip="Keeps about the shape of each video, at the area of width x height, "
                    "with sides that are multiples of 64.",
                ),
            ],
            outputs=[
                ClipsSocket.Output(
                    "training_clips",
                    display_name="clips",
                    tooltip="Clips for Encode Clips or Move Camera.",
                )
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, source: str | None = None, **others: Any) -> str:
        """Another one as soon as a file of the source changes."""
        if not source or not source.strip():
            return ""
        return state_of(source_path(source), check_readable)

    @classmethod
    def execute(
        cls,
        source: str = "",
        frames: int = 16,
        stride: int = 4,
        width: int = 256,
        height: int = 256,
        captions: str = "sidecar",
        caption: str = "",
        seed: int = 0,
        clips_per_video: int = 1,
        mirror: bool = False,
        aspect_buckets: bool = False,
    ) -> io.NodeOutput:
        settings = VideoSettings(
            frames,
            stride,
            width,
            height,
            captions,
            check_text("caption", caption),
            seed,
            clips_per_video,
            mirror,
            aspect_buckets,
        )
        path = source_path(source)
        return io.NodeOutput(VideoClips(path, settings, check_readable, Probes(caches() / PROBES)))


class ClipsFromImages(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ClipsFromImages",
            display_name="Make Training Clips",
            category=f"{CATEGORY}/training",
            description="Training clips from frames that the workflow already holds.",
            search_aliases=["clips from images", "training images", "dataset"],
            inputs=[
                io.Image.Input("images", tooltip="The frames of the clip, in their order."),
                io.String.Input(
                    "caption", default="", multiline=True, tooltip="What the clip shows."
                ),
                io.Int.Input(
                    "stride",
                    default=1,
                    min=1,
                    max=256,
                    tooltip="Images from one frame of the clip to the next.",
                ),
                io.Int.Input(
                    "frames",
                    default=0,
                    min=0,
                    max=1024,
                    tooltip="Cuts the batch into clips of so many frames. 0: one clip of them all.",
                ),
                size_input("width", 0, "Width of the training clips. 0: the images' own.", 0),
                size_input("height", 0, "Height of the training clips. 0: the images' own.", 0),
            ],
            outputs=[
                ClipsSocket.Output(
                    "training_clips",
                    display_name="clips",
                    tooltip="Clips for Encode Clips or Move Camera.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        images: Tensor,
        caption: str = "",
        stride: int = 1,
        frames: int = 0,
        width: int = 0,
        height: int = 0,
    ) -> io.NodeOutput:
        check_text("caption", caption)
        return io.NodeOutput(ImageClips(images, caption, stride, frames, width, height))
