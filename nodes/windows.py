"""Context windows over the frames, and a picture of them."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ..sampling.apply_windows import add_window_phase, windows_on
from ..sampling.handler import NODE
from ..sampling.window_phases import window_phase
from ..sampling.window_picture import draw_windows
from ..sampling.windows import WindowSettings
from .inputs import frames_input, phase_inputs, window_inputs
from .schema import CATEGORY, schema
from .shown import picture_in_node


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
                *phase_inputs(),
            ],
            outputs=[
                io.Model.Output(
                    "windowed_model",
                    display_name="model",
                    tooltip="The model, sampled in windows: for a sampler.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        view_length: int = 0,
        view_overlap: int = 4,
        start_percent: float = 0.0,
        **windows: Any,
    ) -> io.NodeOutput:
        settings = WindowSettings(**windows)
        phase = window_phase(settings, view_length, view_overlap, start_percent)
        return io.NodeOutput(add_window_phase(model, phase))


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
                frames_input(64, 4096, "Frames of the video."),
                *window_inputs(),
                io.Model.Input(
                    "model",
                    optional=True,
                    tooltip="A model that is sampled in windows: its own are drawn, and those of "
                    "the widgets are not used.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "picture",
                    display_name="image",
                    tooltip="The windows of each step, drawn over the frames.",
                )
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, frames: int, model: Any = None, **windows: Any) -> io.NodeOutput:
        shown = [(0.0, WindowSettings(**windows))] if model is None else windows_on(model)
        for _, settings in shown:
            settings.check()
        picture = torch.cat([draw_windows(frames, part, start) for start, part in shown], dim=1)
        return io.NodeOutput(picture, ui=picture_in_node(picture, cls))
