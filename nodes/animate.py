"""The node that most people want: a motion model, a camera move and windows in one."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..motion_models.adapters.image_models import check_needs_no_image
from ..motion_models.detect import AUTOMATIC
from ..motion_models.folders import MOTION_LORAS, MOTION_MODELS, find_file, list_files
from ..motion_models.inject import apply_motion_model
from ..motion_models.last_loaded import keep_for, load_or_reuse
from ..motion_models.layers import MotionSettings
from ..motion_models.lora import apply_motion_lora
from ..sampling.apply_windows import apply_context_windows
from ..sampling.values.over_time import combined
from ..sampling.windows import WindowSettings
from .inputs import (
    beta_schedule_input,
    image_model_input,
    later_schedule_input,
    length_input,
    motion_model_input,
    motion_scale_input,
    overlap_input,
    strength_input,
    strength_socket,
)
from .motion_model import as_trained
from .moving_preview import preview_input, with_preview
from .page import with_progress
from .schema import CATEGORY, schema
from .weights_files import (
    NONE,
    all_found,
    file_input,
    found,
    found_or_none,
    read_lora,
    state_of_file,
)

DISPLAY_NAME = "Animate Model (AnimateDiff)"


class Animate(io.ComfyNode):
    def __init__(self) -> None:
        super().__init__()
        keep_for(self)

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_Animate",
            display_name=DISPLAY_NAME,
            category=CATEGORY,
            description="Everything in one node: a motion model, a camera move if you like, and "
            "context windows for videos longer than the motion model knows.",
            search_aliases=["animatediff loader", "animatediff", "text to video", "animate"],
            inputs=[
                image_model_input(),
                motion_model_input(),
                file_input(
                    "motion_lora",
                    list_files(MOTION_LORAS),
                    "A camera move or another MotionLoRA from models/animatediff_motion_lora; "
                    "those of small_world go with small_world_motion.",
                    first=(NONE,),
                ),
                strength_input(
                    "lora_strength", "How much of the MotionLoRA is added. 1 is as trained."
                ),
                motion_scale_input(),
                length_input(
                    "Frames that are sampled together; longer videos are sampled in windows of "
                    "this length. 0 switches windows off.",
                    name="context_length",
                    lowest=0,
                ),
                overlap_input(name="context_overlap"),
                beta_schedule_input(),
                strength_socket("strength_over_time", "what the motion model adds"),
                strength_socket("scale_over_time", "motion_scale"),
                strength_socket("lora_strength_over_time", "lora_strength"),
                preview_input(),
                later_schedule_input(),
            ],
            outputs=[
                io.Model.Output(
                    "animated_model",
                    display_name="model",
                    tooltip="The model, animated: for a sampler. A batch of latents becomes the "
                    "frames of a video.",
                )
            ],
        )

    @classmethod
    def validate_inputs(
        cls, motion_model: str | None = None, motion_lora: str | None = None
    ) -> bool | str:
        return all_found(
            DISPLAY_NAME,
            motion_model=found(motion_model, MOTION_MODELS),
            motion_lora=found_or_none(motion_lora, MOTION_LORAS),
        )

    @classmethod
    def fingerprint_inputs(
        cls, motion_model: str | None = None, motion_lora: str | None = None, **others: Any
    ) -> str:
        return state_of_file(motion_model, MOTION_MODELS) + state_of_file(motion_lora, MOTION_LORAS)

    @classmethod
    def execute(
        cls,
        model: Any,
        motion_model: str,
        motion_lora: str = NONE,
        lora_strength: float = 1.0,
        motion_scale: float = 1.0,
        context_length: int = 16,
        context_overlap: int = 4,
        beta_schedule: str = AUTOMATIC,
        strength_over_time: Any = None,
        scale_over_time: Any = None,
        lora_strength_over_time: Any = None,
        preview: bool = True,
        context_schedule: str = WindowSettings.schedule,
    ) -> io.NodeOutput:
        motion = load_or_reuse(find_file(motion_model, MOTION_MODELS))
        check_needs_no_image(motion)
        if motion_lora != NONE:
            tensors = read_lora(motion_lora, MOTION_LORAS)
            how_much = combined(lora_strength, lora_strength_over_time)
            motion = apply_motion_lora(motion, tensors, how_much, motion_lora)
        settings = MotionSettings(
            combined(1.0, strength_over_time), combined(motion_scale, scale_over_time)
        )
        animated = apply_motion_model(model, motion, settings)
        animated = as_trained(animated, motion, beta_schedule)
        if context_length > 0:
            windows = WindowSettings(context_length, context_overlap, schedule=context_schedule)
            animated = apply_context_windows(animated, windows, DISPLAY_NAME)
        return io.NodeOutput(with_preview(with_progress(animated), preview))
