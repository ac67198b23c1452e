"""Frames after they are decoded: played forth and back, so that a video ends where it begins."""

from __future__ import annotations

import torch
from comfy_api.latest import io
from torch import Tensor

from .schema import CATEGORY, schema


class PlayForthAndBack(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_PlayForthAndBack",
            display_name="Play Forth and Back",
            category=CATEGORY,
            description="Frames, and then the same from the last but one back to the second: a "
            "video that repeats without a jump.",
            search_aliases=["pingpong", "ping-pong", "boomerang", "reverse", "loop"],
            inputs=[io.Image.Input("images", tooltip="The frames, as VAE Decode gives them.")],
            outputs=[
                io.Image.Output(
                    "both",
                    display_name="images",
                    tooltip="2 n - 2 frames for n of them: for the nodes that save.",
                )
            ],
        )

    @classmethod
    def execute(cls, images: Tensor) -> io.NodeOutput:
        return io.NodeOutput(forth_and_back(images))


def forth_and_back(images: Tensor) -> Tensor:
    """n h w c -> 2n-2 h w c; neither end is shown twice. One frame stays one."""
    return torch.cat((images, images[1:-1].flip(0)))
