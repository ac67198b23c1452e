"""Contact Sheet: what training clips show, and which are unfit."""

from __future__ import annotations

import comfy.model_management
import comfy.utils
from comfy_api.latest import io

from ...measures.flow import opencv
from ...training.data.clips import ClipSet
from ..schema import CATEGORY, ClipsSocket, schema
from ..shown import picture_in_node
from ..texts import check_choice
from .clip_inputs import check_clips
from .sheet import LEAVE_OUT, sheet_of


class ContactSheet(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ContactSheet",
            display_name="Contact Sheet",
            category=f"{CATEGORY}/training",
            description="Shows training clips before they are encoded: three frames of each, its "
            "caption, speed and camera move. Names cuts, clips without motion and near-duplicates.",
            search_aliases=["dataset preview", "training clips", "duplicates", "cuts"],
            inputs=[
                ClipsSocket.Input("clips", tooltip="The clips to look at."),
                io.Int.Input(
                    "most",
                    default=200,
                    min=0,
                    max=1_000_000,
                    tooltip="Clips that are looked at, spread over all; about a second each. "
                    "0: every clip.",
                ),
                io.Combo.Input(
                    "leave_out",
                    options=list(LEAVE_OUT),
                    default=LEAVE_OUT[0],
                    tooltip="What of the clips that were looked at is left out of the output "
                    "clips.",
                ),
            ],
            outputs=[
                ClipsSocket.Output(
                    "kept_clips",
                    display_name="clips",
                    tooltip="The clips, without those that are left out: for Encode Clips.",
                ),
                io.Image.Output(
                    "pages", display_name="image", tooltip="The pages of the sheet, as a batch."
                ),
                io.String.Output(
                    "listing", display_name="text", tooltip="A line for each clip, as text."
                ),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls, clips: ClipSet, most: int = 200, leave_out: str = LEAVE_OUT[0]
    ) -> io.NodeOutput:
        check_clips(clips)
        check_choice("leave_out", leave_out, LEAVE_OUT)
        opencv()
        bars: list[comfy.utils.ProgressBar] = []

        def each(done: int, total: int) -> None:
            bars[:] = bars or [comfy.utils.ProgressBar(total)]
            bars[0].update_absolute(done, total)
            comfy.model_management.throw_exception_if_processing_interrupted()

        kept, pages, text = sheet_of(clips, most, leave_out, each)
        return io.NodeOutput(kept, pages, text, ui=picture_in_node(pages, cls))
