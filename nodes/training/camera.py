"""Camera moves over training clips."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from ...training.data.camera_moves import MOVES, CameraMove
from ...training.data.clips import ClipSet
from ...training.data.image_clips import StillClips
from ...training.data.joined_clips import JoinedClips
from ..schema import CATEGORY, ClipsSocket, schema
from ..texts import check_text
from .clip_inputs import check_clips, seed_input, size_input


class MoveCamera(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_CameraMove",
            display_name="Move Camera",
            category=f"{CATEGORY}/training",
            description="A camera move over training clips or still images, made by cropping: what "
            "a MotionLoRA of that move learns from. Several nodes in a row move at once.",
            search_aliases=["zoom", "pan", "tilt", "roll", "ken burns", "camera motion"],
            inputs=[
                io.MultiType.Input(
                    "clips",
                    types=[ClipsSocket, io.Image],
                    tooltip="Training clips, or a batch of still images, each of which becomes a "
                    "clip. They must be larger than the training size.",
                ),
                io.Combo.Input(
                    "move",
                    options=list(MOVES),
                    default=MOVES[0],
                    tooltip="What the camera does. The picture's content goes the other way.",
                ),
                io.Float.Input(
                    "amount",
                    default=1.0,
                    min=0.05,
                    max=4.0,
                    step=0.05,
                    tooltip="1: as much as the authors' MotionLoRAs, which over a clip is 45 % of "
                    "zoom, 30 % of pan, 24 % of tilt or 26 degrees of roll.",
                ),
                io.String.Input(
                    "caption",
                    default="",
                    multiline=True,
                    tooltip="For still images: what they show. Clips keep their own.",
                ),
                io.Int.Input(
                    "frames",
                    default=16,
                    min=2,
                    max=1024,
                    tooltip="For still images: frames of each clip. Clips keep theirs.",
                ),
                size_input("width", 256, "For still images: width of the training clips."),
                size_input("height", 256, "For still images: height of the training clips."),
                seed_input("Seed of each clip's small difference in amount and place."),
            ],
            outputs=[
                ClipsSocket.Output(
                    "moved_clips",
                    display_name="clips",
                    tooltip="Clips in which the camera moves: for Encode Clips.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        clips: ClipSet | Tensor,
        move: str = "zoom in",
        amount: float = 1.0,
        caption: str = "",
        frames: int = 16,
        width: int = 256,
        height: int = 256,
        seed: int = 0,
    ) -> io.NodeOutput:
        if isinstance(clips, Tensor):
            clips = StillClips(clips, check_text("caption", caption), frames, width, height)
        check_clips(clips)
        if isinstance(clips, JoinedClips):
            return io.NodeOutput(clips.each(lambda one: CameraMove(one, move, amount, seed)))
        return io.NodeOutput(CameraMove(clips, move, amount, seed))
