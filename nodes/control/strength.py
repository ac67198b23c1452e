"""Values over frames, steps and pixels, for whatever takes a strength."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...sampling.easings import EASINGS
from ...sampling.values.keyframes import parse_keyframes
from ...sampling.values.over_time import inverse, value_over_time
from ...sampling.values.picture import draw_value
from ..inputs import frames_input, strength_socket
from ..schema import CATEGORY, StrengthSocket, advanced, schema, socket
from ..shown import picture_in_node
from ..texts import check_choice

CHECKED_AT_ONCE = 50_000
"""Characters; ComfyUI answers nobody while it checks a workflow."""


class Strength(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_Strength",
            display_name="Schedule Strength",
            category=f"{CATEGORY}/control",
            description="A strength that changes over the frames, the sampling steps and the "
            "picture. What is given is multiplied; a picture shows it before you render.",
            search_aliases=[
                "multival",
                "value schedule",
                "keyframes",
                "curve",
                "strength schedule",
                "mask strength",
            ],
            inputs=[
                io.Float.Input(
                    "value",
                    default=1.0,
                    min=-100.0,
                    max=100.0,
                    step=0.01,
                    tooltip="The value where nothing below says otherwise; it multiplies the rest.",
                ),
                io.String.Input(
                    "per_frame",
                    default="",
                    multiline=True,
                    placeholder="0: 1.0, 16: 0.2 smooth",
                    tooltip="Keyframes over the frames: frame, colon, value, and an easing if you "
                    "like. The last holds on; one behind the video's end is told at sampling.",
                ),
                io.String.Input(
                    "per_step",
                    default="",
                    multiline=True,
                    placeholder="0: 1.0, 0.5: 0.3",
                    tooltip="Keyframes over sampling: 0 is the first step, 1 the end; 50% is read "
                    "too.",
                ),
                io.Combo.Input(
                    "easing",
                    options=list(EASINGS),
                    default="linear",
                    tooltip="How a keyframe is reached that names no easing itself.",
                ),
                advanced(
                    io.Float.Input,
                    "outside",
                    default=0.0,
                    min=-100.0,
                    max=100.0,
                    step=0.01,
                    tooltip="The value where the mask is black.",
                ),
                advanced(
                    io.Boolean.Input,
                    "invert",
                    default=False,
                    tooltip="Gives 1 minus the value: for the other of two that cross over.",
                ),
                frames_input(16, 4096, "Frames that the picture shows; the value has no length."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where the value holds: white; one mask, or one a frame, of any size. "
                    "With fewer than the frames, the last holds on, and the log says so.",
                ),
                socket(
                    "FLOAT",
                    "floats",
                    "A list of numbers, one a frame, as audio and curve nodes of other "
                    "packs give it. Where it is too short, its last number holds on, and the log "
                    "says so.",
                ),
                socket(
                    "CURVE",
                    "curve",
                    "From ComfyUI's Curve Editor: its left end is the first frame, its right end "
                    "the last.",
                ),
                strength_socket("times", "this strength"),
            ],
            outputs=[
                StrengthSocket.Output(
                    "scheduled_strength",
                    display_name="strength",
                    tooltip="A strength over frames, steps and pixels: for any socket of its type.",
                ),
                io.Image.Output(
                    "picture", display_name="image", tooltip="The strength over the frames, drawn."
                ),
            ],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(
        cls, per_frame: str | None = None, per_step: str | None = None
    ) -> bool | str:
        """Texts that come through a link are None here; `execute` says what is wrong with them."""
        for name, text in (("per_frame", per_frame), ("per_step", per_step)):
            if text is None or len(text) > CHECKED_AT_ONCE:
                continue
            try:
                parse_keyframes(text, name, over_steps=name == "per_step")
            except ValueError as error:
                return str(error)
        return True

    @classmethod
    def execute(
        cls,
        value: float = 1.0,
        per_frame: str = "",
        per_step: str = "",
        easing: str = "linear",
        outside: float = 0.0,
        invert: bool = False,
        frames: int = 16,
        mask: Any = None,
        floats: Any = None,
        curve: Any = None,
        times: Any = None,
    ) -> io.NodeOutput:
        check_choice("easing", easing, EASINGS)
        made = value_over_time(value, per_frame, per_step, easing, mask, outside, floats, curve)
        made = made if times is None else made.times(times)
        made = inverse(made) if invert else made
        picture = draw_value(made, frames)
        return io.NodeOutput(made, picture, ui=picture_in_node(picture, cls))
