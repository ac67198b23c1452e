"""Context windows over the frames, and a picture of them."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui

from ..sampling.apply_windows import apply_context_windows
from ..sampling.fuse import FUSE_METHODS
from ..sampling.handler import NODE
from ..sampling.window_picture import draw_windows
from ..sampling.windows import SCHEDULES, WindowSettings
from .schema import CATEGORY, advanced, schema


def window_inputs() -> list[Any]:
    """The inputs that both nodes share, in the order of WindowSettings' fields but for `fuse`."""
    return [
        io.Int.Input(
            "length",
            default=16,
            min=1,
            max=1024,
            tooltip="Frames of one window: what the motion model sees at once. 16 suits most "
            "models, 8 HotshotXL.",
        ),
        io.Int.Input(
            "overlap",
            default=4,
            min=0,
            max=1023,
            tooltip="Frames that neighbouring windows share. More is smoother and slower.",
        ),
        advanced(
            io.Int.Input,
            "stride",
            default=1,
            min=1,
            max=16,
            tooltip="For the uniform schedules: how many levels of windows, each with twice the "
            "distance between its frames.",
        ),
        io.Combo.Input(
            "schedule",
            options=list(SCHEDULES),
            default="standard_static",
            tooltip="standard_static: the same windows at every step. standard_uniform: they move "
            "with the step. looped_uniform: they also wrap round the end. batched: no overlap. "
            "views: windows inside the motion model alone, which is faster at large overlaps; a "
            "long video then takes the computer's memory where the GPU's does not suffice.",
        ),
        io.Combo.Input(
            "fuse",
            options=list(FUSE_METHODS),
            default="pyramid",
            tooltip="How overlapping windows are weighed against each other.",
        ),
        io.Boolean.Input(
            "closed_loop",
            default=False,
            tooltip="Makes the last frame lead into the first; needs the schedule looped_uniform.",
        ),
    ]


def checked(
    length: int, overlap: int, stride: int, schedule: str, fuse: str, closed_loop: bool
) -> WindowSettings:
    settings = WindowSettings(length, overlap, stride, schedule, fuse, closed_loop)
    settings.check()
    return settings


class ContextWindows(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ContextWindows",
            display_name=NODE,
            category=f"{CATEGORY}/windows",
            description="Samples a video of any length in windows that slide over its frames, in "
            "the memory of one window.",
            search_aliases=["context options", "uniform context", "long video", "sliding window"],
            inputs=[
                io.Model.Input("model", tooltip="The model, before or after Apply Motion Model."),
                *window_inputs(),
            ],
            outputs=[io.Model.Output("windowed_model", display_name="model")],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        length: int = 16,
        overlap: int = 4,
        stride: int = 1,
        schedule: str = "standard_static",
        fuse: str = "pyramid",
        closed_loop: bool = False,
    ) -> io.NodeOutput:
        settings = checked(length, overlap, stride, schedule, fuse, closed_loop)
        return io.NodeOutput(apply_context_windows(model, settings))


class PreviewWindows(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_PreviewWindows",
            display_name="Preview Context Windows",
            category=f"{CATEGORY}/windows",
            description="Shows which frames each context window covers, and how much each counts.",
            search_aliases=["context visualizer", "window picture"],
            inputs=[
                io.Int.Input("frames", default=64, min=1, max=4096, tooltip="Frames of the video."),
                *window_inputs(),
            ],
            outputs=[io.Image.Output("picture", display_name="image")],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        frames: int,
        length: int = 16,
        overlap: int = 4,
        stride: int = 1,
        schedule: str = "standard_static",
        fuse: str = "pyramid",
        closed_loop: bool = False,
    ) -> io.NodeOutput:
        settings = checked(length, overlap, stride, schedule, fuse, closed_loop)
        picture = draw_windows(frames, settings)
        return io.NodeOutput(picture, ui=ui.PreviewImage(picture, cls=cls))
