"""Prompts over time."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..sampling.easings import EASINGS
from ..sampling.prompt_travel import (
    check_words,
    joined,
    parse_prompts,
    travel_conditionings,
)
from .inputs import frames_input
from .schema import CATEGORY, advanced, schema
from .texts import check_text

CHECKED_AT_ONCE = 50_000
"""Characters that are read in a few hundredths of a second. ComfyUI answers nobody while it checks
a workflow, so longer texts are judged when the node runs."""


class PromptTravel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_PromptTravel",
            display_name="Prompt Travel",
            category=f"{CATEGORY}/prompts",
            description="Prompts that change over the frames, blended from one to the next.",
            search_aliases=[
                "batch prompt schedule",
                "prompt schedule",
                "prompt travel",
                "fizznodes",
            ],
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder of the checkpoint."),
                io.String.Input(
                    "prompts",
                    multiline=True,
                    default="0: a meadow in spring\n16: a meadow in deep snow",
                    tooltip="One prompt a line: the frame where it is reached, a colon, the text. "
                    'FizzNodes\' "0": "text", "16": "text" is read too.',
                ),
                frames_input(16, 100_000, "Frames of the video: batch_size of its latent."),
                io.String.Input(
                    "before", default="", multiline=True, tooltip="Text put before every prompt."
                ),
                io.String.Input(
                    "after", default="", multiline=True, tooltip="Text put behind every prompt."
                ),
                advanced(
                    io.Combo.Input,
                    "interpolation",
                    options=list(EASINGS),
                    default="linear",
                    tooltip="How the frames between two prompts blend: evenly, easing in and "
                    "out (smooth), not at all (step), or slowly at the start or the end alone.",
                ),
            ],
            outputs=[io.Conditioning.Output("conditioning", display_name="conditioning")],
        )

    @classmethod
    def validate_inputs(cls, prompts: str | None = None) -> bool | str:
        """`prompts` is None where they come through a link, or are missing, of which ComfyUI tells;
        `execute` says what is wrong with those of a link, and with very long ones."""
        if prompts is None or len(prompts) > CHECKED_AT_ONCE:
            return True
        try:
            parse_prompts(prompts)
        except ValueError as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        clip: Any,
        prompts: str,
        frames: int,
        before: str = "",
        after: str = "",
        interpolation: str = "linear",
    ) -> io.NodeOutput:
        if clip is None:
            raise ValueError(
                "There is no text encoder: the checkpoint has none. Load one with Load CLIP, and "
                "connect it here."
            )
        keyframes = parse_prompts(prompts)
        check_words("before", check_text("before", before))
        check_words("after", check_text("after", after))
        texts = [joined(before, prompt, after) for _, prompt in keyframes]
        # core's own call, which knows of Set CLIP Hooks
        encoded = [clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in texts]
        starts = [frame for frame, _ in keyframes]
        return io.NodeOutput(travel_conditionings(encoded, starts, frames, interpolation))
