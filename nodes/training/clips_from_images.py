"""Training clips from frames that a workflow already holds."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ...training.data.clips import ClipSet
from ...training.data.image_clips import ImageClips
from ...training.data.joined_clips import joined
from ..schema import CATEGORY, ClipsSocket, schema
from ..texts import check_text
from .clip_inputs import before, clips_input, size_input


class ClipsFromImages(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ClipsFromImages",
            display_name="Make Training Clips",
            category=f"{CATEGORY}/training",
            description="Training clips from frames that the workflow already holds: of a batch, "
            "or of a list of batches with a list of captions, as ComfyUI's dataset nodes make it.",
            is_input_list=True,
            search_aliases=["clips from images", "training images", "dataset"],
            inputs=[
                io.Image.Input("images", tooltip="The frames of the clip, in their order."),
                io.String.Input(
                    "caption", default="", multiline=True, tooltip="What the clip shows."
                ),
                io.Int.Input(
                    "stride",
                    default=1,
                    min=1,
                    max=256,
                    tooltip="Images from one frame of the clip to the next.",
                ),
                io.Int.Input(
                    "frames",
                    default=0,
                    min=0,
                    max=1024,
                    tooltip="Cuts the batch into clips of so many frames. 0: one clip of them all.",
                ),
                size_input("width", 0, "Width of the training clips. 0: the images' own.", 0),
                size_input("height", 0, "Height of the training clips. 0: the images' own.", 0),
                clips_input(),
            ],
            outputs=[
                ClipsSocket.Output(
                    "training_clips",
                    display_name="clips",
                    tooltip="Clips for Encode Clips or Move Camera.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        images: list[Tensor] | Tensor,
        caption: list[str] | str = "",
        stride: list[int] | int = 1,
        frames: list[int] | int = 0,
        width: list[int] | int = 0,
        height: list[int] | int = 0,
        clips: list[ClipSet] | ClipSet | None = None,
    ) -> io.NodeOutput:
        batches, captions = listed(images), [check_text("caption", c) for c in listed(caption)]
        if len(captions) not in (1, len(batches)):
            raise ValueError(
                f"{len(captions)} captions came with {len(batches)} batches of images. Connect a "
                "single caption, or a list of equal length."
            )
        settings = [listed(value)[0] for value in (stride, frames, width, height)]
        found = before(listed(clips)[0])
        for number, batch in enumerate(batches):
            own = captions[number if len(captions) > 1 else 0]
            found = joined(found, clips_of(batch, own, settings, number, len(batches)))
        return io.NodeOutput(found)


def listed(value: Any) -> list[Any]:
    """What ComfyUI hands to a node that takes lists; a value alone where another caller does."""
    return value if isinstance(value, list) and value else [value]


def clips_of(batch: Tensor, caption: str, settings: list[int], number: int, of: int) -> ClipSet:
    """Of one batch. Raises ValueError, which says the batch where there are several."""
    stride, frames, width, height = settings
    try:
        return ImageClips(batch, caption, stride, frames, width, height)
    except ValueError as error:
        if of == 1:
            raise
        raise ValueError(f"Batch {number + 1} of {of}: {error}") from error
