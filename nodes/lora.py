"""Low-rank files: MotionLoRAs onto a motion model, the domain adapter onto the image model."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..motion_models.domain_adapter import apply_domain_adapter
from ..motion_models.folders import LORAS, MOTION_LORAS, list_files
from ..motion_models.lora import apply_motion_lora
from ..sampling.values.over_time import combined, whole_frames
from .inputs import strength_input, strength_socket
from .schema import CATEGORY, MotionModelSocket, schema
from .weights_files import file_input, found, read_lora, state_of_file

ADAPTER_FOLDERS = (LORAS, MOTION_LORAS)


class LoadMotionLora(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_LoadMotionLoRA",
            display_name="Load MotionLoRA (AnimateDiff)",
            category=f"{CATEGORY}/motion",
            description="Adds a camera move or another learned motion to a motion model. Several "
            "can be chained; their effects add up.",
            search_aliases=["motion lora", "camera lora", "zoom in", "pan left", "v2_lora"],
            inputs=[
                MotionModelSocket.Input(
                    "motion_model", tooltip="The motion model that the MotionLoRA was made for."
                ),
                file_input(
                    "lora",
                    list_files(MOTION_LORAS),
                    "A MotionLoRA from models/animatediff_motion_lora, in any published spelling; "
                    "those of small_world go with small_world_motion.",
                ),
                strength_input(
                    "strength",
                    "How much of the MotionLoRA is added. 1 is as trained; below 0 often reverses "
                    "the move.",
                ),
                strength_socket("strength_over_time", "the strength"),
            ],
            outputs=[
                MotionModelSocket.Output(
                    "motion_model_with_lora",
                    display_name="motion_model",
                    tooltip="For Apply Motion Model, or for another MotionLoRA.",
                )
            ],
        )

    @classmethod
    def validate_inputs(cls, lora: str | None = None) -> bool | str:
        return found(lora, MOTION_LORAS)

    @classmethod
    def fingerprint_inputs(cls, lora: str | None = None, **others: Any) -> str:
        return state_of_file(lora, MOTION_LORAS)

    @classmethod
    def execute(
        cls, motion_model: Any, lora: str, strength: float = 1.0, strength_over_time: Any = None
    ) -> io.NodeOutput:
        tensors = read_lora(lora, MOTION_LORAS)
        how_much = combined(strength, strength_over_time)
        return io.NodeOutput(apply_motion_lora(motion_model, tensors, how_much, lora))


class DomainAdapter(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_DomainAdapter",
            display_name="Apply Domain Adapter (AnimateDiff)",
            category=f"{CATEGORY}/motion",
            description="Puts the adapter of AnimateDiff's first training stage on the image "
            "model. It took up the look of the training videos: 1 brings it back, 0 leaves it "
            "away.",
            search_aliases=["v3_sd15_adapter", "domain adapter lora", "adapter scale"],
            inputs=[
                io.Model.Input(
                    "model", tooltip="The image model, before or after Apply Motion Model."
                ),
                file_input(
                    "adapter",
                    list_files(*ADAPTER_FOLDERS),
                    "The domain adapter (v3_sd15_adapter) from models/loras or "
                    "models/animatediff_motion_lora; small_world_adapter is for Load Small World "
                    "Models.",
                ),
                strength_input(
                    "scale",
                    "How much of the adapter is added: 1 as in training, 0 none of it.",
                    lowest=-2.0,
                    highest=2.0,
                ),
                strength_socket("strength_over_time", "the scale"),
            ],
            outputs=[
                io.Model.Output(
                    "adapted_model",
                    display_name="model",
                    tooltip="The model with the adapter: for Apply Motion Model.",
                )
            ],
        )

    @classmethod
    def validate_inputs(cls, adapter: str | None = None) -> bool | str:
        return found(adapter, *ADAPTER_FOLDERS)

    @classmethod
    def fingerprint_inputs(cls, adapter: str | None = None, **others: Any) -> str:
        return state_of_file(adapter, *ADAPTER_FOLDERS)

    @classmethod
    def execute(
        cls, model: Any, adapter: str, scale: float = 1.0, strength_over_time: Any = None
    ) -> io.NodeOutput:
        tensors = read_lora(adapter, *ADAPTER_FOLDERS)
        if strength_over_time is not None:
            whole_frames(strength_over_time, "The domain adapter")
        how_much = combined(scale, strength_over_time)
        return io.NodeOutput(apply_domain_adapter(model, tensors, how_much, adapter))
