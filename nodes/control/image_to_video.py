"""AnimateLCM-I2V: a picture becomes a video in few steps."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...motion_models.adapters.image_to_video.apply import PictureSettings, apply_image_to_video
from ...motion_models.detect import AUTOMATIC
from ...motion_models.layers import MotionSettings
from ...sampling.values.over_time import combined
from ..inputs import picture_inputs, picture_motion_inputs, strength_input, strength_socket
from ..motion_model import as_trained
from ..page import with_progress
from ..schema import CATEGORY, schema


class ApplyImageToVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ApplyImageToVideo",
            display_name="Apply Image to Video",
            category=f"{CATEGORY}/control",
            description="Animates a picture with AnimateLCM-I2V in two to eight steps, with the "
            "sampler lcm and a cfg of 1 to 2.",
            search_aliases=["animatelcm i2v", "image to video", "i2v"],
            inputs=[
                *picture_inputs(
                    "An AnimateLCM-I2V model (AnimateLCM_sd15_i2v.ckpt), from Load Motion Model.",
                    "The picture that begins to move.",
                ),
                strength_input(
                    "image_strength",
                    "How much of the picture's features is added. 1 is as trained.",
                    lowest=0.0,
                ),
                io.Float.Input(
                    "frame_code",
                    default=0.8,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="How far frames part from the picture: 0.8 is the authors', less is "
                    "more alike and moves less.",
                ),
                *picture_motion_inputs(),
                strength_socket("image_strength_over_time", "image_strength"),
            ],
            outputs=[
                io.Model.Output(
                    "animated_model",
                    display_name="model",
                    tooltip="The model, animated from the picture: for a sampler.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        motion_model: Any,
        image: Any,
        vae: Any,
        image_strength: float = 1.0,
        frame_code: float = 0.8,
        strength: float = 1.0,
        motion_scale: float = 1.0,
        beta_schedule: str = AUTOMATIC,
        image_strength_over_time: Any = None,
    ) -> io.NodeOutput:
        picture = PictureSettings(combined(image_strength, image_strength_over_time), frame_code)
        settings = MotionSettings(strength, motion_scale)
        animated = apply_image_to_video(model, motion_model, image, vae, picture, settings)
        return io.NodeOutput(with_progress(as_trained(animated, motion_model, beta_schedule)))
