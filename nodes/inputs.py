"""Inputs that several nodes share, each said once."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..motion_models.detect import AUTOMATIC
from ..motion_models.folders import MOTION_MODELS, list_files
from ..motion_models.specs import BETA_SCHEDULES, NORM_CHOICES
from ..sampling.fuse import FUSE_METHODS
from ..sampling.windows import SCHEDULES, SHIFTED
from .schema import MotionModelSocket, StrengthSocket, advanced
from .weights_files import file_input


def image_model_input() -> Any:
    return io.Model.Input(
        "model", tooltip="An SD1.5 or SDXL model, with whatever LoRAs it carries."
    )


def motion_model_input() -> Any:
    return file_input(
        "motion_model",
        list_files(MOTION_MODELS),
        "A motion model from models/animatediff_models: v1, v2, v3, SDXL beta, "
        "HotshotXL, AnimateLCM, Lightning, or any fine-tune of them. Last comes "
        "small_world_motion, for Load Small World Models.",
    )


def strength_input(name: str, tooltip: str, lowest: float = -4.0, highest: float = 4.0) -> Any:
    """How much of something is added: 1 as it was trained."""
    return io.Float.Input(name, default=1.0, min=lowest, max=highest, step=0.01, tooltip=tooltip)


def strength_socket(id: str, what: str) -> Any:
    """An input for a value over frames, which multiplies `what`."""
    return StrengthSocket.Input(
        id,
        optional=True,
        tooltip=f"Multiplies {what} by a value over frames, steps or pixels, from Schedule "
        "Strength or Convert Audio to Strength.",
    )


def motion_scale_input() -> Any:
    return strength_input(
        "motion_scale",
        "Multiplies the keys of the attention over time. 1 is as trained; "
        "1.1 to 1.3 gives more motion.",
        lowest=0.0,
    )


def beta_schedule_input() -> Any:
    return advanced(
        io.Combo.Input,
        "beta_schedule",
        options=[AUTOMATIC, *BETA_SCHEDULES],
        default=AUTOMATIC,
        tooltip="The noise schedule. Automatic takes the one that the motion model "
        "was trained with; checkpoint keeps the model's own.",
    )


def norms_input() -> Any:
    return advanced(
        io.Combo.Input,
        "norms",
        options=list(NORM_CHOICES),
        default=NORM_CHOICES[0],
        optional=True,
        tooltip="Which GroupNorms see all frames of a video at once. Automatic does as the motion "
        "model was trained; across_frames as v1; everywhere as AnimateDiff-Evolved without "
        "apply_v2_models_properly, for graphs that were tuned to it.",
    )


def picture_inputs(motion_model: str, image: str) -> list[Any]:
    """What begins from a picture, first inputs: tooltips of the motion model and of the picture."""
    return [
        image_model_input(),
        MotionModelSocket.Input("motion_model", tooltip=motion_model),
        io.Image.Input("image", tooltip=f"{image} It is cropped and resized to the video."),
        io.Vae.Input("vae", tooltip="The checkpoint's VAE, which encodes the picture."),
    ]


def picture_motion_inputs() -> list[Any]:
    """And the last: how its motion model acts."""
    return [
        strength_input(
            "strength",
            "Multiplies what the motion model adds to each layer. 1 is as trained; 0 "
            "leaves motion and picture away.",
            lowest=0.0,
        ),
        motion_scale_input(),
        beta_schedule_input(),
    ]


def percent_inputs(what: str) -> list[Any]:
    """The range of sampling in which something acts: 0 is the first step, 1 the last."""
    start = f"From which part of sampling on {what} acts: 0 is the first step."
    end = f"Up to which part of sampling {what} acts: 1 is the last step."
    percent = dict(min=0.0, max=1.0, step=0.001)
    return [
        advanced(io.Float.Input, "start_percent", default=0.0, tooltip=start, **percent),
        advanced(io.Float.Input, "end_percent", default=1.0, tooltip=end, **percent),
    ]


def frames_input(default: int, highest: int, tooltip: str) -> Any:
    return io.Int.Input("frames", default=default, min=1, max=highest, tooltip=tooltip)


def seed_input(tooltip: str) -> Any:
    return io.Int.Input(
        "seed",
        default=0,
        min=0,
        max=0xFFFFFFFFFFFFFFFF,
        control_after_generate=True,
        tooltip=tooltip,
    )


def length_input(tooltip: str, name: str = "length", lowest: int = 1, default: int = 16) -> Any:
    return io.Int.Input(name, default=default, min=lowest, max=1024, tooltip=tooltip)


def overlap_input(
    tooltip: str = "Frames that neighbouring windows share. More is smoother and slower.",
    name: str = "overlap",
) -> Any:
    return io.Int.Input(name, default=4, min=0, max=1023, tooltip=tooltip)


def schedule_input() -> Any:
    """Its default is a new node's. Who calls a node without it has the default of WindowSettings,
    which it was before."""
    return io.Combo.Input(
        "schedule",
        options=list(SCHEDULES),
        default=SHIFTED,
        tooltip="shifted: the static windows, moved at every step by a part of their distance, so "
        "that no seam stays where it is and fewer show; also at overlap 0. standard_static: the "
        "same windows at every step. standard_uniform: they move with the step. looped_uniform: "
        "they also wrap round the end. batched: no overlap. views: windows inside the motion model "
        "alone, which is faster at large overlaps; a long video then takes the computer's memory "
        "where the GPU's does not suffice. views_shifted: shifted ones in views.",
    )


def later_schedule_input() -> Any:
    """The schedule on a node that had static windows before it could be chosen: graphs and prompts
    that do not name it keep them (web/saved_schedule.js, launcher/workflow.py)."""
    return advanced(
        io.Combo.Input,
        "context_schedule",
        options=list(SCHEDULES),
        default=SHIFTED,
        optional=True,
        tooltip="How the windows of a longer video slide. shifted moves them at every step, so "
        "that fewer seams show; standard_static keeps them where they are. Slide Context Windows "
        "explains the others.",
    )


def window_inputs() -> list[Any]:
    """The fields of WindowSettings."""
    return [
        length_input(
            "Frames of one window: what the motion model sees at once. 16 suits most "
            "models, 8 HotshotXL."
        ),
        overlap_input(),
        advanced(
            io.Int.Input,
            "stride",
            default=1,
            min=1,
            max=16,
            tooltip="For the uniform schedules: how many levels of windows, each with twice the "
            "distance between its frames.",
        ),
        schedule_input(),
        io.Combo.Input(
            "fuse",
            options=list(FUSE_METHODS),
            default="pyramid",
            tooltip="How overlapping windows are weighed against each other.",
        ),
        io.Boolean.Input(
            "closed_loop",
            default=False,
            tooltip="Makes the last frame lead into the first; needs the schedule looped_uniform "
            "or a shifted one.",
        ),
        advanced(
            io.Boolean.Input,
            "on_equal_length",
            default=False,
            optional=True,
            tooltip="Windows also where all frames fit into one: with looped_uniform it wraps "
            "round the end.",
        ),
    ]


def phase_inputs() -> list[Any]:
    """The views inside a window, and from which part of sampling on the windows hold."""
    return [
        advanced(
            io.Int.Input,
            "view_length",
            default=0,
            min=0,
            max=1024,
            optional=True,
            tooltip="For windows longer than the motion model knows: the UNet is given a window "
            "whole, its motion layers slide views of this length over it. 0 is none.",
        ),
        advanced(
            io.Int.Input,
            "view_overlap",
            default=4,
            min=0,
            max=1023,
            optional=True,
            tooltip="Frames that neighbouring views share.",
        ),
        advanced(
            io.Float.Input,
            "start_percent",
            default=0.0,
            min=0.0,
            max=1.0,
            step=0.001,
            optional=True,
            tooltip="From which part of sampling on these windows hold. Above 0, they follow those "
            "that an earlier node of this kind has set on the model.",
        ),
    ]
