"""Training clips from frames that a workflow already holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ...training.data.clips import ClipSet
from ...training.data.image_clips import ImageClips
from ...training.data.joined_clips import joined, parts_of
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
        several = found is not None or len(batches) > 1
        for number, batch in enumerate(batches):
            own = captions[number if len(captions) > 1 else 0]
            place = len(parts_of(found)) + 1 if several else None
            with told_of_batch(number, len(batches)):
                found = joined(found, ImageClips(batch, own, *settings, batch=place))
        return io.NodeOutput(found)


def listed(value: Any) -> list[Any]:
    """What ComfyUI hands to a node that takes lists; a value alone where another caller does."""
    return value if isinstance(value, list) and value else [value]


@contextmanager
def told_of_batch(number: int, of: int) -> Iterator[None]:
    """A ValueError says which batch it is about, where there are several."""
    try:
        yield
    except ValueError as error:
        if of == 1:
            raise
        raise ValueError(f"Batch {number + 1} of {of}: {error}") from error
