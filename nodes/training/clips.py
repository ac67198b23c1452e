"""Training clips from videos and images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io

from ...training.data.captions import CAPTIONS
from ...training.data.clips import ClipSet
from ...training.data.joined_clips import joined
from ...training.data.probes import PROBES, Probes
from ...training.data.source_state import state_of
from ...training.data.video_clips import VideoClips
from ...training.data.video_settings import CHOICES, VideoSettings
from ..places import check_readable
from ..schema import CATEGORY, ClipsSocket, advanced, schema
from ..texts import check_text, unquoted, written_path
from .clip_inputs import before, caches, clips_input, seed_input, size_input


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


def lengths_of(frame_buckets: str) -> tuple[int, ...]:
    """Lengths as people write them: 8, 16, 24. Raises ValueError for what is no number."""
    words = check_text("frame_buckets", frame_buckets).replace(",", " ").split()
    wrong = [word for word in words if not (word.isascii() and word.isdigit())]
    if wrong:
        raise ValueError(
            f"frame_buckets has {wrong[0]!r} in it; write whole numbers with commas between them, "
            "as 8, 16, 24."
        )
    return tuple(map(int, words))


def added_inputs() -> list[Any]:
    """Those that came after the first version, in the order of the contract."""
    return [
        io.Float.Input(
            "fps",
            default=0.0,
            min=0.0,
            max=1000.0,
            step=0.1,
            optional=True,
            tooltip="Frames of a clip a second, taken by time, so that videos of all rates move at "
            "one speed; 8 is AnimateDiff's. 0 counts stored frames by stride.",
        ),
        advanced(
            io.Combo.Input,
            "choice",
            options=list(CHOICES),
            default=CHOICES[0],
            optional=True,
            tooltip="Where clips lie in a video. random: by the seed. first: from the beginning. "
            "uniform: evenly spread. all: the whole video in windows, however many.",
        ),
        advanced(
            io.String.Input,
            "frame_buckets",
            default="",
            optional=True,
            tooltip="Lengths in the place of frames, as 8, 16, 24: each video gives clips of the "
            "longest that it holds. A batch has clips of one length.",
        ),
        advanced(
            io.Boolean.Input,
            "images",
            default=False,
            optional=True,
            tooltip="Takes each picture below the source as a clip of one frame, and no video: for "
            "a domain adapter. Motion is trained on them only with keep_images.",
        ),
        advanced(
            io.String.Input,
            "trigger",
            default="",
            optional=True,
            tooltip="Words that are put before each caption, to call what was learned by.",
        ),
        advanced(
            io.Int.Input,
            "repeats",
            default=1,
            min=1,
            max=1000,
            optional=True,
            tooltip="How often each clip is shown while another source's are shown once. It is "
            "encoded once.",
        ),
        clips_input(),
    ]


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
                    "file name: its words. fixed caption: the one below for all clips. sidecar "
                    "lines: each line of the .txt is a caption, one of them an epoch.",
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
                *added_inputs(),
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
        fps: float = 0.0,
        choice: str = CHOICES[0],
        frame_buckets: str = "",
        images: bool = False,
        trigger: str = "",
        repeats: int = 1,
        clips: ClipSet | None = None,
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
            fps,
            choice,
            lengths_of(frame_buckets),
            images,
            check_text("trigger", trigger),
        )
        path = source_path(source)
        own = VideoClips(path, settings, check_readable, Probes(caches() / PROBES))
        return io.NodeOutput(joined(before(clips), own, repeats))
