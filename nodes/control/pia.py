"""PIA: a picture becomes a video."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...motion_models.adapters.pia.affinity import PRESETS, Affinity
from ...motion_models.adapters.pia.apply import apply_pia
from ...motion_models.detect import AUTOMATIC
from ...motion_models.layers import MotionSettings
from ...sampling.values.over_time import combined
from ..inputs import picture_inputs, picture_motion_inputs, strength_socket
from ..motion_model import as_trained
from ..page import with_progress
from ..schema import CATEGORY, schema
from ..texts import check_choice


class ApplyPIA(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ApplyPIA",
            display_name="Apply PIA",
            category=f"{CATEGORY}/control",
            description="Animates a picture with a PIA model, which keeps its look and takes the "
            "motion from the prompt.",
            search_aliases=["pia", "image to video", "personalized image animator"],
            inputs=[
                *picture_inputs(
                    "A PIA model (pia.ckpt), from Load Motion Model.",
                    "The picture; best one made by the same checkpoint.",
                ),
                io.Combo.Input(
                    "affinity",
                    options=list(PRESETS),
                    default="medium motion",
                    tooltip="How like the picture each frame stays: more motion is less alike. A "
                    "loop comes back to the picture; restyling takes the checkpoint's look.",
                ),
                io.Int.Input(
                    "image_frame",
                    default=0,
                    min=0,
                    max=4095,
                    tooltip="The frame that the picture is of; 0 is the first.",
                ),
                *picture_motion_inputs(),
                strength_socket("affinity_over_time", "affinity"),
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
        affinity: str = "medium motion",
        image_frame: int = 0,
        strength: float = 1.0,
        motion_scale: float = 1.0,
        beta_schedule: str = AUTOMATIC,
        affinity_over_time: Any = None,
    ) -> io.NodeOutput:
        curve = PRESETS[check_choice("affinity", affinity, PRESETS)]
        likeness = Affinity(curve, image_frame, combined(1.0, affinity_over_time))
        settings = MotionSettings(strength, motion_scale)
        animated = apply_pia(model, motion_model, image, vae, likeness, settings)
        return io.NodeOutput(with_progress(as_trained(animated, motion_model, beta_schedule)))
