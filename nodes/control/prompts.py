"""Two prompts blended over the frames."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...sampling.values.blend import blend_prompts
from ..inputs import frames_input
from ..schema import CATEGORY, StrengthSocket, schema


class BlendPrompts(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_BlendPrompts",
            display_name="Blend Prompts",
            category=f"{CATEGORY}/prompts",
            description="Goes from one prompt to another as a strength over the frames says: by "
            "keyframes, or with a sound.",
            search_aliases=["prompt blend", "conditioning average", "audio reactive prompt"],
            inputs=[
                io.Conditioning.Input("first", tooltip="The prompt where the strength is 0."),
                io.Conditioning.Input("second", tooltip="The prompt where the strength is 1."),
                StrengthSocket.Input(
                    "blend",
                    tooltip="How much of the second prompt, frame by frame, from Schedule Strength "
                    "or Convert Audio to Strength.",
                ),
                frames_input(16, 100_000, "Frames of the video: batch_size of its latent."),
            ],
            outputs=[
                io.Conditioning.Output(
                    "conditioning",
                    display_name="conditioning",
                    tooltip="The two prompts, blended for each frame: for a sampler.",
                )
            ],
        )

    @classmethod
    def execute(cls, first: Any, second: Any, blend: Any, frames: int = 16) -> io.NodeOutput:
        return io.NodeOutput(blend_prompts(first, second, blend, frames))
