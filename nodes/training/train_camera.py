"""Train camera moves without a data set: pictures, a camera over them, and a run, in one node."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ...motion_models.folders import MOTION_LORAS
from ...motion_models.lora import apply_motion_lora
from ...training.data.cache_identity import identify
from ...training.data.camera_axes import AXES, CameraAxes, PromptedStills
from ...training.data.fill_cache import encode_clips
from ...training.data.prompt_file import in_turn
from ...training.engine.config import TrainingSettings
from ...training.engine.export import check_name, name_of_move
from ...training.models import stages
from ...training.models.private_copy import check_trainable
from ...training.run.eyes import Eyes
from ...training.run.in_comfyui import train
from ...training.run.moved_pictures import LARGER, axes_of
from ...training.run.own_pictures import own_pictures
from ...training.run.own_seed import with_own_seed
from ..schema import CATEGORY, MotionModelSocket, TrainingSettingsSocket, schema
from ..texts import check_choice, check_text
from ..weights_files import read_lora
from .clips import caches, size_input
from .encode import progress
from .stage_inputs import model_input, rank_input, shared_outputs, spelling_input
from .train import shown

ALL = "all"


class TrainCameraMove(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_TrainCameraMove",
            display_name="Train Camera Move (AnimateDiff)",
            category=f"{CATEGORY}/training",
            description="Camera moves without a data set: pictures, yours or such as the model "
            "draws, become clips that a camera moves over, and MotionLoRAs are trained on them "
            "whose strength is the amount of the move. Two files of each axis, there and back.",
            search_aliases=["camera slider", "train camera lora", "zoom", "pan", "tilt", "roll"],
            inputs=[
                model_input(),
                MotionModelSocket.Input(
                    "motion_model", tooltip="The motion model that the files are for."
                ),
                io.Vae.Input("vae", tooltip="The VAE of the checkpoint."),
                io.Clip.Input("clip", tooltip="The text encoder of the checkpoint."),
                TrainingSettingsSocket.Input("settings", tooltip="From Training Settings."),
                io.Combo.Input(
                    "axis",
                    options=[*AXES, ALL],
                    default="zoom",
                    tooltip="What the camera does. all: the four axes in one run, which takes more "
                    "steps; they then go together.",
                ),
                io.String.Input(
                    "prompts",
                    default="",
                    multiline=True,
                    tooltip="What the pictures show, a line for each. Pictures of your own are "
                    "told of in their order; the lines begin again where there are fewer.",
                ),
                io.Int.Input(
                    "pictures",
                    default=16,
                    min=1,
                    max=1024,
                    tooltip="How many the model draws, at twice the training size. Without effect "
                    "on pictures of your own.",
                ),
                io.Int.Input(
                    "clips",
                    default=64,
                    min=1,
                    max=100_000,
                    tooltip="Clips that are cut from the pictures, each with another amount.",
                ),
                io.Int.Input("frames", default=16, min=2, max=1024, tooltip="Frames of each clip."),
                size_input("width", 256, "Width of the clips."),
                size_input("height", 256, "Height of the clips."),
                rank_input(64),
                io.String.Input(
                    "resume",
                    default="",
                    tooltip="Empty starts a new run. The name of a run's folder (the log has it) "
                    "goes on where it stopped.",
                ),
                io.String.Input(
                    "name",
                    default="camera",
                    tooltip="What the files' names begin with; the move follows.",
                ),
                spelling_input(),
                io.Image.Input(
                    "images",
                    optional=True,
                    tooltip="Pictures of your own, larger than the clips. Without, the model draws "
                    "them.",
                ),
            ],
            outputs=[
                MotionModelSocket.Output(
                    "trained_motion_model",
                    display_name="motion_model",
                    tooltip="With the first file's move, ready for Apply Motion Model.",
                ),
                *shared_outputs(),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        motion_model: Any,
        vae: Any,
        clip: Any,
        settings: TrainingSettings,
        axis: str = "zoom",
        prompts: str = "",
        pictures: int = 16,
        clips: int = 64,
        frames: int = 16,
        width: int = 256,
        height: int = 256,
        rank: int = 64,
        resume: str = "",
        name: str = "camera",
        spelling: str = "official",
        images: Tensor | None = None,
    ) -> io.NodeOutput:
        check_choice("axis", axis, (*AXES, ALL))
        axes = tuple(AXES) if axis == ALL else (axis,)
        check_before(model, settings, axes, name)
        settings = with_own_seed(settings, resume)
        texts = captions(prompts, pictures if images is None else len(images))
        if images is None:
            size = LARGER * height, LARGER * width
            images = own_pictures(
                model, clip, vae, texts, size, settings.seed, caches(), progress()
            )
        stills = PromptedStills(images, texts, frames, width, height)
        moved = CameraAxes(stills, axes, max(clips, len(stills)), settings.seed)
        identity = identify(moved, vae, clip)
        encoded = encode_clips(moved, vae, clip, caches() / identity.vae[:16], progress(), identity)
        task = axes_of(moved)

        def make(target: stages.DeviceAndDtype) -> stages.Trainee:
            shape = settings.lora_shape()
            return stages.motion_lora(
                model, motion_model, rank, settings.seed, target, axes=task, shape=shape
            )

        result = train(make, model, encoded, settings, name, resume, spelling, Eyes(vae, clip))
        lora = read_lora(result.path.name, MOTION_LORAS)
        return shown(cls, result, apply_motion_lora(motion_model, lora, 1.0, result.path.name))


def check_before(model: Any, settings: Any, axes: tuple[str, ...], name: str) -> None:
    """Raise ValueError for what would end the run after its pictures are drawn."""
    if not isinstance(settings, TrainingSettings):
        raise ValueError(f"settings is {settings!r}. Connect the node Training Settings.")
    settings.check()
    check_trainable(model)
    for axis in axes:
        for move in AXES[axis]:
            check_name(name_of_move(name, move))


def captions(prompts: str, count: int) -> list[str]:
    """One of each picture. Raises ValueError where there is none."""
    lines = [line.strip() for line in check_text("prompts", prompts).splitlines() if line.strip()]
    if not lines:
        raise ValueError(
            "prompts is empty. Write what the pictures show, a line for each, such as: a street "
            "in the rain."
        )
    return in_turn(lines, count)
