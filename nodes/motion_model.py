"""Load a motion model; apply it to a model."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..motion_models.adapters.image_models import check_needs_no_image
from ..motion_models.detect import AUTOMATIC
from ..motion_models.folders import MOTION_MODELS, find_file
from ..motion_models.inject import apply_motion_model
from ..motion_models.last_loaded import keep_for, load_or_reuse
from ..motion_models.layers import MotionSettings
from ..motion_models.model import motion_model
from ..motion_models.specs import FAMILIES
from ..sampling.betas import apply_beta_schedule
from ..sampling.entries import count_entries
from ..sampling.few_steps import check_few_steps
from ..sampling.values.over_time import combined
from .inputs import (
    beta_schedule_input,
    image_model_input,
    motion_model_input,
    motion_scale_input,
    norms_input,
    percent_inputs,
    strength_input,
    strength_socket,
)
from .moving_preview import preview_input, with_preview
from .page import with_progress
from .schema import CATEGORY, MotionModelSocket, advanced, schema
from .weights_files import found, state_of_file


class LoadMotionModel(io.ComfyNode):
    def __init__(self) -> None:
        super().__init__()
        keep_for(self)

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_LoadMotionModel",
            display_name="Load Motion Model (AnimateDiff)",
            category=f"{CATEGORY}/motion",
            description="Loads any AnimateDiff motion model; what it is, is told by its content.",
            search_aliases=[
                "animatediff loader",
                "motion module",
                "hotshotxl",
                "animatelcm",
                "mm_sd_v15",
            ],
            inputs=[
                motion_model_input(),
                advanced(
                    io.Combo.Input,
                    "family",
                    options=[AUTOMATIC, *FAMILIES],
                    default=AUTOMATIC,
                    tooltip="How the file is to be computed. Leave it on automatic unless the "
                    "log says that the content could not tell.",
                ),
            ],
            outputs=[
                MotionModelSocket.Output(
                    "loaded_motion_model",
                    display_name="motion_model",
                    tooltip="For Apply Motion Model, or for Load MotionLoRA before it.",
                )
            ],
        )

    @classmethod
    def validate_inputs(cls, motion_model: str | None = None) -> bool | str:
        return found(motion_model, MOTION_MODELS)

    @classmethod
    def fingerprint_inputs(cls, motion_model: str | None = None, **others: Any) -> str:
        return state_of_file(motion_model, MOTION_MODELS)

    @classmethod
    def execute(cls, motion_model: str, family: str = AUTOMATIC) -> io.NodeOutput:
        path = find_file(motion_model, MOTION_MODELS)
        return io.NodeOutput(load_or_reuse(path, family))


class ApplyMotionModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ApplyMotionModel",
            display_name="Apply Motion Model (AnimateDiff)",
            category=f"{CATEGORY}/motion",
            description="Animates a model: the latents of one batch become the frames of one "
            "video. Several can be chained.",
            search_aliases=["animatediff", "apply animatediff model", "animate", "text to video"],
            inputs=[
                image_model_input(),
                MotionModelSocket.Input(
                    "motion_model", tooltip="From Load Motion Model or Load MotionLoRA."
                ),
                strength_input(
                    "strength",
                    "Multiplies what the motion model adds to each layer. 1 is as trained; 0 gives "
                    "still images, in the same noise schedule. Bypass the node to switch it off.",
                    lowest=0.0,
                ),
                motion_scale_input(),
                beta_schedule_input(),
                *percent_inputs("the motion model"),
                strength_socket("strength_over_time", "the strength"),
                strength_socket("scale_over_time", "motion_scale"),
                norms_input(),
                preview_input(),
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
    def execute(
        cls,
        model: Any,
        motion_model: Any,
        strength: float = 1.0,
        motion_scale: float = 1.0,
        beta_schedule: str = AUTOMATIC,
        start_percent: float = 0.0,
        end_percent: float = 1.0,
        strength_over_time: Any = None,
        scale_over_time: Any = None,
        norms: str = AUTOMATIC,
        preview: bool = True,
    ) -> io.NodeOutput:
        check_needs_no_image(motion_model)
        settings = MotionSettings(
            combined(strength, strength_over_time),
            combined(motion_scale, scale_over_time),
            start_percent,
            end_percent,
            norms,
        )
        animated = apply_motion_model(model, motion_model, settings)
        animated = with_progress(as_trained(animated, motion_model, beta_schedule))
        return io.NodeOutput(with_preview(animated, preview))


def as_trained(animated: Any, loaded: Any, beta_schedule: str) -> Any:
    """The animated model with the noise schedule that its motion model needs, and with warnings,
    once a run, of what it cannot be sampled with and of entries that do not suit the frames."""
    family = motion_model(loaded).spec.family
    animated = apply_beta_schedule(animated, beta_schedule, family)
    return count_entries(check_few_steps(animated, family))
