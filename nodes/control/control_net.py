"""A ControlNet whose strength follows the frames."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...sampling.values.control import control_over_time
from ..schema import CATEGORY, StrengthSocket, schema


class ControlStrength(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ControlStrength",
            display_name="Schedule ControlNet Strength",
            category=f"{CATEGORY}/control",
            description="A ControlNet whose strength changes over the frames, the sampling steps "
            "and the picture. It goes between Load ControlNet and Apply ControlNet.",
            search_aliases=["controlnet keyframes", "controlnet schedule", "latent keyframe"],
            inputs=[
                io.ControlNet.Input(
                    "control_net", tooltip="A ControlNet or T2I-Adapter, core's or another pack's."
                ),
                StrengthSocket.Input(
                    "strength_over_time",
                    tooltip="Multiplies the strength that Apply ControlNet sets, frame by frame; "
                    "from Schedule Strength or Convert Audio to Strength.",
                ),
            ],
            outputs=[
                io.ControlNet.Output(
                    "scheduled_control_net",
                    display_name="control_net",
                    tooltip="The ControlNet with this strength: for Apply ControlNet.",
                )
            ],
        )

    @classmethod
    def execute(cls, control_net: Any, strength_over_time: Any) -> io.NodeOutput:
        return io.NodeOutput(control_over_time(control_net, strength_over_time))
