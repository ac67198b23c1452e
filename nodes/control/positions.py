"""A motion model's table of positions, shifted or stretched."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...motion_models.position_tables import PositionSettings, set_positions
from ..schema import CATEGORY, MotionModelSocket, schema


class StretchPositions(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        rows: dict[str, Any] = dict(default=0, min=0, max=1024)
        return schema(
            node_id="ADK_StretchPositions",
            display_name="Stretch Positions (AnimateDiff)",
            category=f"{CATEGORY}/control",
            description="Gives the frames other rows of a motion model's table of positions: "
            "slower or faster motion, and more frames at once than it was trained with.",
            search_aliases=["adjust pe", "sweetspot", "position encoding", "pe stretch"],
            inputs=[
                MotionModelSocket.Input(
                    "motion_model", tooltip="From Load Motion Model or Load MotionLoRA."
                ),
                io.Int.Input(
                    "offset",
                    tooltip="Rows of the table that are left away at the start: the first frame "
                    "gets this one.",
                    **rows,
                ),
                io.Int.Input(
                    "length",
                    tooltip="Rows that are kept behind the offset; 0 keeps all. 16 is what most "
                    "motion models were trained with.",
                    **rows,
                ),
                io.Int.Input(
                    "stretch_to",
                    tooltip="Rows that the kept ones are interpolated to; 0 leaves them. That "
                    "many frames fit at once then.",
                    **rows,
                ),
            ],
            outputs=[
                MotionModelSocket.Output(
                    "stretched_motion_model",
                    display_name="motion_model",
                    tooltip="For Apply Motion Model.",
                )
            ],
        )

    @classmethod
    def execute(
        cls, motion_model: Any, offset: int = 0, length: int = 0, stretch_to: int = 0
    ) -> io.NodeOutput:
        settings = PositionSettings(offset, length, stretch_to)
        return io.NodeOutput(set_positions(motion_model, settings))
