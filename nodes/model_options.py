"""What any sampler takes from the model: its noise schedule, its initial noise, its guidance."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..motion_models.specs import BETA_SCHEDULES
from ..sampling.betas import set_beta_schedule
from ..sampling.guidance import set_guidance
from ..sampling.model_noise import GENERATORS, NOISES, NoiseSettings, set_noise
from ..sampling.values.over_time import combined
from .inputs import length_input, overlap_input, strength_socket
from .schema import CATEGORY, advanced, schema


class NoiseSchedule(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_NoiseSchedule",
            display_name="Set Noise Schedule (AnimateDiff)",
            category=f"{CATEGORY}/noise",
            description="Puts a noise schedule on a model, animated or not: for a second pass "
            "without the motion model, or in another schedule than its own.",
            search_aliases=["beta schedule", "sigma schedule", "noise select", "sqrt_linear"],
            inputs=[
                io.Model.Input("model", tooltip="The model, before or after Apply Motion Model."),
                io.Combo.Input(
                    "beta_schedule",
                    options=list(BETA_SCHEDULES),
                    default="AnimateDiff",
                    tooltip="The noise schedule. AnimateDiff suits motion models for SD1.5, "
                    "AnimateDiff-SDXL the SDXL beta; checkpoint keeps the model's own.",
                ),
            ],
            outputs=[
                io.Model.Output(
                    "scheduled_model",
                    display_name="model",
                    tooltip="The model with this noise schedule: for a sampler.",
                )
            ],
        )

    @classmethod
    def execute(cls, model: Any, beta_schedule: str = "AnimateDiff") -> io.NodeOutput:
        return io.NodeOutput(set_beta_schedule(model, beta_schedule))


class ModelNoiseNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ModelNoise",
            display_name="Set Initial Noise (FreeNoise)",
            category=f"{CATEGORY}/noise",
            description="FreeNoise and its kin on a model, so that KSampler and every other "
            "sampler starts from it.",
            search_aliases=["freenoise", "free noise", "sample settings", "repeated context"],
            inputs=[
                io.Model.Input("model", tooltip="The model that a sampler will take."),
                io.Combo.Input(
                    "noise",
                    options=list(NOISES),
                    default="FreeNoise",
                    tooltip="FreeNoise: repeats over the windows in another order, so that long "
                    "videos keep their look. repeated: in the same order. constant: the same in "
                    "every frame. random: as the sampler's own. empty: none.",
                ),
                length_input(
                    "The noise repeats after so many frames. 0 takes length and overlap of Slide "
                    "Context Windows.",
                    lowest=0,
                    default=0,
                ),
                overlap_input("The overlap of the context windows, where length is above 0."),
                advanced(
                    io.Int.Input,
                    "seed_offset",
                    default=0,
                    min=-(2**31),
                    max=2**31,
                    tooltip="Is added to the sampler's seed.",
                ),
                advanced(
                    io.Int.Input,
                    "batch_offset",
                    default=0,
                    min=0,
                    max=4096,
                    tooltip="Leaves out the noise of so many frames: to draw a later part of a "
                    "video by itself.",
                ),
                advanced(
                    io.Combo.Input,
                    "generator",
                    options=list(GENERATORS),
                    default="ComfyUI",
                    tooltip="All frames from one seed, as ComfyUI draws them, or each from a seed "
                    "of its own, as the web UI does.",
                ),
            ],
            outputs=[
                io.Model.Output(
                    "model_with_noise",
                    display_name="model",
                    tooltip="The model with this initial noise: for a sampler.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        noise: str = "FreeNoise",
        length: int = 0,
        overlap: int = 4,
        seed_offset: int = 0,
        batch_offset: int = 0,
        generator: str = "ComfyUI",
    ) -> io.NodeOutput:
        settings = NoiseSettings(noise, length, overlap, seed_offset, batch_offset, generator)
        return io.NodeOutput(set_noise(model, settings))


class ModelGuidance(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_ModelGuidance",
            display_name="Set Guidance (CFG)",
            category=f"{CATEGORY}/noise",
            description="Classifier-free guidance on a model, in the place of the sampler's cfg.",
            search_aliases=["custom cfg", "cfg", "guidance scale"],
            inputs=[
                io.Model.Input("model", tooltip="The model that a sampler will take."),
                io.Float.Input(
                    "cfg",
                    default=7.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="How far the prediction is carried from the negative prompt to the "
                    "positive. 1 leaves the negative out, which is twice as fast.",
                ),
                strength_socket("cfg_over_time", "cfg"),
            ],
            outputs=[
                io.Model.Output(
                    "guided_model",
                    display_name="model",
                    tooltip="The model with this guidance: for a sampler, in place of its cfg.",
                )
            ],
        )

    @classmethod
    def execute(cls, model: Any, cfg: float = 7.0, cfg_over_time: Any = None) -> io.NodeOutput:
        return io.NodeOutput(set_guidance(model, combined(cfg, cfg_over_time)))
