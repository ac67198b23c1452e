"""Measure motion: what the camera does, how much moves, and whether seams show."""

from __future__ import annotations

import comfy.model_management
import comfy.utils
from comfy_api.latest import io
from torch import Tensor

from ...measures.motion_measures import MotionMeasures, measure_motion
from ...measures.pictures import check_matplotlib, draw_measures
from ...measures.report import as_json, check_clips, report
from ...measures.seams import Seams, seams_of
from ...sampling.windows import WindowSettings, windows_of
from ...training.run.pictures import as_image
from ..schema import CATEGORY, schema
from ..shown import picture_in_node


class MeasureMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_MeasureMotion",
            display_name="Measure Motion",
            category=f"{CATEGORY}/training",
            description="Measures a video: the camera's move, how much moves, how well "
            "neighbouring frames agree, and whether the seams of context windows show.",
            search_aliases=[
                "optical flow",
                "camera motion",
                "video quality",
                "warp error",
                "seams",
            ],
            inputs=[
                io.Image.Input("images", tooltip="The frames of a video, as one batch."),
                io.Int.Input(
                    "window_length",
                    default=16,
                    min=0,
                    max=1024,
                    tooltip="Frames of one context window, as the video was sampled with; 0 looks "
                    "for no seams.",
                ),
                io.Int.Input(
                    "window_overlap",
                    default=4,
                    min=0,
                    max=1023,
                    tooltip="Frames that neighbouring windows share, as the video was "
                    "sampled with.",
                ),
                io.Image.Input(
                    "reference",
                    optional=True,
                    tooltip="The frames of another video of the same size, such as a training "
                    "clip: its figures stand beside those of the images.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "picture",
                    display_name="image",
                    tooltip="Flow, camera and seams over the frames, drawn.",
                ),
                io.String.Output("figures", display_name="json", tooltip="All figures as JSON."),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        images: Tensor,
        window_length: int = 16,
        window_overlap: int = 4,
        reference: Tensor | None = None,
    ) -> io.NodeOutput:
        check_matplotlib()
        seams = static_seams(len(images), window_length, window_overlap)
        check_clips(images, reference)
        clips = measured(images, reference)
        figures = report([measures for _, measures in clips], seams)
        picture = as_image(draw_measures(figures, clips, seams))
        return io.NodeOutput(picture, as_json(figures), ui=picture_in_node(picture, cls))


def static_seams(frames: int, length: int, overlap: int) -> Seams:
    """The seams of windows that are the same at every step; none at length 0."""
    if not length:
        return Seams(frozenset(), frozenset())
    settings = WindowSettings(length, overlap)
    settings.check()
    return seams_of(windows_of(frames, settings), frames)


def measured(images: Tensor, reference: Tensor | None) -> list[tuple[Tensor, MotionMeasures]]:
    """Measures the clips, with ComfyUI's progress bar; Cancel ends it between two frames."""
    clips = [images] if reference is None else [images, reference]
    bar = comfy.utils.ProgressBar(sum(len(frames) - 1 for frames in clips))

    def each() -> None:
        bar.update(1)
        comfy.model_management.throw_exception_if_processing_interrupted()

    return [(frames, measure_motion(frames, each)) for frames in clips]
