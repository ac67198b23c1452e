"""Train the three stages: domain adapter, motion module, MotionLoRA."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ...motion_models.folders import MOTION_LORAS, list_files
from ...motion_models.load import load_motion_model
from ...motion_models.lora import apply_motion_lora
from ...motion_models.specs import FAMILIES
from ...training.engine.config import TrainingSettings
from ...training.models import stages
from ...training.models.pia_stage import pia
from ...training.run.dual_path import with_the_look
from ...training.run.eyes import Eyes
from ...training.run.in_comfyui import Result, last_checkpoint, train
from ...training.run.look_of_run import look_of_run
from ...training.run.own_seed import with_own_seed
from ...training.run.pictures import under_plot
from ..page import tell_of_new_files
from ..schema import CATEGORY, MotionModelSocket, advanced, schema
from ..shown import animation_in_node
from ..texts import check_choice
from ..weights_files import NONE, file_input, found_or_none, read_lora, state_of_file
from .clips import caches
from .stage_inputs import eye_inputs, model_input, shared_inputs, shared_outputs, spelling_input

KINDS = PLAIN, PICTURED = "motion module", "PIA"
"""What Train Motion Module makes."""


def shown(cls: Any, result: Result, *before: Any) -> io.NodeOutput:
    """The outputs; in the node the loss plot with the moving preview under it, one picture because
    the page shows no more than one that moves."""
    tell_of_new_files()
    frames = torch.cat([under_plot(result.plot, frame) for frame in result.preview])
    moving = animation_in_node(frames, cls)
    return io.NodeOutput(*before, result.path.name, result.plot, result.preview, ui=moving)


class TrainDomainAdapter(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_TrainDomainAdapter",
            display_name="Train Domain Adapter (AnimateDiff)",
            category=f"{CATEGORY}/training",
            description="Stage 1: a LoRA of the image model that takes in the look of the clips, "
            "so that the motion module need not.",
            search_aliases=["train lora", "stage 1", "domain adapter"],
            inputs=[
                model_input(),
                *shared_inputs("domain_adapter", rank=128),
                *eye_inputs(),
            ],
            outputs=shared_outputs(),
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        clips: Any,
        settings: TrainingSettings,
        rank: int = 128,
        resume: str = "",
        name: str = "domain_adapter",
        vae: Any = None,
        clip: Any = None,
    ) -> io.NodeOutput:
        settings = with_own_seed(settings, resume)

        def make(target: stages.DeviceAndDtype) -> stages.Trainee:
            shape = settings.lora_shape()
            return stages.domain_adapter(model, rank, settings.seed, target, shape)

        return shown(cls, train(make, model, clips, settings, name, resume, eyes=Eyes(vae, clip)))


class TrainMotionModule(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_TrainMotionModule",
            display_name="Train Motion Module (AnimateDiff)",
            category=f"{CATEGORY}/training",
            description="Stage 2: a motion module, fine-tuned or from zero, that learns how things "
            "move in the clips.",
            search_aliases=["train animatediff", "stage 2", "finetune motion model"],
            inputs=[
                model_input(),
                *shared_inputs("motion_module"),
                advanced(
                    io.Combo.Input,
                    "family",
                    options=list(FAMILIES),
                    default="v3",
                    tooltip="What a new motion module is; without effect on a fine-tune.",
                ),
                spelling_input(),
                MotionModelSocket.Input(
                    "motion_model",
                    optional=True,
                    tooltip="What to fine-tune. Without, a new one is trained from zero, which "
                    "takes very many clips.",
                ),
                *eye_inputs(),
                io.Combo.Input(
                    "kind",
                    options=list(KINDS),
                    default=PLAIN,
                    optional=True,
                    tooltip="A motion module, or a PIA model, which also learns to begin from a "
                    "picture; it starts from the motion model, or goes on with one of PIA.",
                ),
            ],
            outputs=[
                MotionModelSocket.Output(
                    "trained_motion_model",
                    display_name="motion_model",
                    tooltip="What was trained, ready for Apply Motion Model; a PIA model for Apply "
                    "PIA.",
                ),
                *shared_outputs(),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        clips: Any,
        settings: TrainingSettings,
        resume: str = "",
        name: str = "motion_module",
        family: str = "v3",
        spelling: str = "official",
        motion_model: Any = None,
        vae: Any = None,
        clip: Any = None,
        kind: str = PLAIN,
    ) -> io.NodeOutput:
        check_choice("family", family, FAMILIES)
        check_choice("kind", kind, KINDS)
        settings = with_own_seed(settings, resume)

        def make(target: stages.DeviceAndDtype) -> stages.Trainee:
            if kind == PICTURED:
                return pia(model, motion_model, settings.seed, target)
            return stages.motion_module(model, motion_model, family, settings.seed, target)

        result = train(make, model, clips, settings, name, resume, spelling, Eyes(vae, clip))
        return shown(cls, result, load_motion_model(str(result.path)))


class TrainMotionLora(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_TrainMotionLoRA",
            display_name="Train MotionLoRA (AnimateDiff)",
            category=f"{CATEGORY}/training",
            description="Stage 3: a small file that adds one kind of motion, such as a camera "
            "move, to a motion model; 20 to 50 clips are enough.",
            search_aliases=["train motion lora", "stage 3", "camera lora", "motion director"],
            inputs=[
                model_input(),
                MotionModelSocket.Input(
                    "motion_model", tooltip="The motion model that the MotionLoRA is for."
                ),
                *shared_inputs("motion_lora", rank=64),
                spelling_input(),
                file_input(
                    "start",
                    list_files(MOTION_LORAS),
                    "A MotionLoRA to train on, of the same motion model and rank; none trains a "
                    "new one.",
                    first=(NONE,),
                    optional=True,
                ),
                advanced(
                    io.Int.Input,
                    "look_steps",
                    default=0,
                    min=0,
                    max=1_000_000,
                    optional=True,
                    tooltip="Steps that a LoRA takes up the look of the clips in, before the "
                    "MotionLoRA is trained; it is thrown away. 300 for a single clip, with debias "
                    "1; 0 is off.",
                ),
                *eye_inputs(),
            ],
            outputs=[
                MotionModelSocket.Output(
                    "trained_motion_model",
                    display_name="motion_model",
                    tooltip="What was trained, ready for Apply Motion Model.",
                ),
                *shared_outputs(),
            ],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, start: str | None = NONE) -> bool | str:
        return found_or_none(start, MOTION_LORAS)

    @classmethod
    def fingerprint_inputs(cls, start: str | None = NONE, **others: Any) -> str:
        return state_of_file(start, MOTION_LORAS)

    @classmethod
    def execute(
        cls,
        model: Any,
        motion_model: Any,
        clips: Any,
        settings: TrainingSettings,
        rank: int = 64,
        resume: str = "",
        name: str = "motion_lora",
        spelling: str = "official",
        start: str = NONE,
        look_steps: int = 0,
        vae: Any = None,
        clip: Any = None,
    ) -> io.NodeOutput:
        begun = None if start == NONE else read_lora(start, MOTION_LORAS)
        settings = with_own_seed(settings, resume)

        def make(target: stages.DeviceAndDtype) -> stages.Trainee:
            shape, base = settings.lora_shape(), model
            if look_steps:
                own = look_of_run(model, motion_model, caches(), last_checkpoint(resume))
                made_of = (model, clips, settings, rank, look_steps, target, caches())
                base = own or with_the_look(*made_of)
            return stages.motion_lora(
                base, motion_model, rank, settings.seed, target, begun, shape=shape
            )

        result = train(make, model, clips, settings, name, resume, spelling, Eyes(vae, clip))
        lora = read_lora(result.path.name, MOTION_LORAS)
        trained = apply_motion_lora(motion_model, lora, 1.0, result.path.name)
        return shown(cls, result, trained)
