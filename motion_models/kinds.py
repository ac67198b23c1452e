"""What a weights file holds, by its keys and shapes alone; no file name is looked at.

`KINDS` is the whole of it: the first row whose mark a file bears is its kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .layouts import strip_wrappers

MOTION_MODEL = "motion model"
MOTION_LORA = "MotionLoRA"
SPATIAL_LORA = "spatial LoRA"
SPARSE_CONTROL = "SparseCtrl"
PIA = "PIA"
IMAGE_TO_VIDEO = "AnimateLCM-I2V"
CAMERA_CONTROL = "CameraCtrl"

LORA_MARKS = (
    "_lora.",
    ".lora_A",
    ".lora_B",
    ".lora_down.",
    ".lora_up.",
    ".lora.down.",
    ".lora.up.",
)
OTHER_CHANGES = (
    # what changes weights by something else than down and up -> its keys
    ("a LoHa (LyCORIS)", r"\.hada_[wt]\d"),
    ("a LoKr (LyCORIS)", r"\.lokr_[wt]\d"),
    ("an OFT or BOFT", r"\.b?oft_"),
    ("a GLoRA", r"\.[ab][12]\.weight$"),
    ("an (IA)3", r"\.ia3_|\.on_input$"),
    ("a DoRA of peft", r"\.lora_magnitude_vector\b"),
    ("a set of full differences", r"\.(?:diff|diff_b|set_weight|w_norm|b_norm)$"),
)
TEMPORAL_MARKS = (
    ".motion_modules.",
    ".temporal_attentions.",
    "_motion_modules_",
    ".temporal_transformer.",
)
CONTROL_MARKS = (
    "controlnet_cond_embedding",
    "controlnet_down_blocks",
    "controlnet_blocks.",
    "control_model.",
    "input_hint_block.",
    "zero_convs.",
)
UNET_STARTS = ("down_blocks.", "input_blocks.", "diffusion_model.")

Shapes = Mapping[str, tuple[int, ...]]


def any_has(shapes: Shapes, marks: tuple[str, ...]) -> bool:
    return any(mark in key for key in shapes for mark in marks)


def is_low_rank(shapes: Shapes) -> bool:
    return any_has(shapes, LORA_MARKS)


def is_temporal(shapes: Shapes) -> bool:
    return any_has(shapes, TEMPORAL_MARKS)


def changes_motion(shapes: Shapes, pattern: str) -> bool:
    return any(re.search(pattern, key) and is_temporal({key: shapes[key]}) for key in shapes)


def changes_images(shapes: Shapes, pattern: str) -> bool:
    return not is_temporal(shapes) and any(re.search(pattern, key) for key in shapes)


def takes_an_image(shapes: Shapes) -> bool:
    """PIA's first convolution: latents, a picture's latents and a mask."""
    return shapes.get("conv_in.weight", (0, 0))[1:2] == (9,)


@dataclass(frozen=True)
class Kind:
    """phrase: how a message says what the file is, and which node takes it."""

    name: str
    phrase: str
    bears: Callable[[Shapes], bool]


KINDS = (
    # before MotionLoRAs: a file that holds both is not to be applied by half
    *(
        Kind(
            f"{name} of motion",
            f"{name} of a motion model, which is not computed here: convert it to a plain LoRA, or "
            "get one",
            partial(changes_motion, pattern=pattern),
        )
        for name, pattern in OTHER_CHANGES
    ),
    Kind(
        MOTION_LORA,
        "a MotionLoRA: load it with Load MotionLoRA",
        lambda s: is_low_rank(s) and is_temporal(s),
    ),
    Kind(
        SPATIAL_LORA,
        "a LoRA of the image model: load it with Apply Domain Adapter (v3_sd15_adapter) or Load "
        "LoRA",
        is_low_rank,
    ),
    *(
        Kind(
            f"{name} of images",
            f"{name} of the image model: load it with Load LoRA",
            partial(changes_images, pattern=pattern),
        )
        for name, pattern in OTHER_CHANGES
    ),
    Kind(
        SPARSE_CONTROL,
        "a SparseCtrl model: load it with Load SparseCtrl Model",
        lambda s: any_has(s, CONTROL_MARKS) and is_temporal(s),
    ),
    Kind(
        "ControlNet",
        "a ControlNet of single pictures: load it with Load ControlNet Model",
        lambda s: any_has(s, CONTROL_MARKS),
    ),
    Kind(
        "FancyVideo",
        "a FancyVideo model, which is not computed here: get one of AnimateDiff's",
        lambda s: is_temporal(s) and any_has(s, ("fps_embedding.", "motion_embedding.")),
    ),
    Kind(
        PIA,
        "a PIA model: load it with Load Motion Model, for Apply PIA",
        lambda s: is_temporal(s) and takes_an_image(s),
    ),
    Kind(
        IMAGE_TO_VIDEO,
        "an AnimateLCM-I2V model: load it with Load Motion Model, for Apply Image to Video",
        lambda s: is_temporal(s) and any(key.startswith("img_encoder.") for key in s),
    ),
    Kind(
        CAMERA_CONTROL,
        "a CameraCtrl adapter: choose it in Apply Camera Control",
        lambda s: any_has(s, (".qkv_merge.", "encoder_down_conv_blocks.")),
    ),
    Kind(MOTION_MODEL, "a motion model: load it with Load Motion Model", is_temporal),
    Kind(
        "checkpoint",
        "an image model without motion modules: load it with Load Checkpoint",
        lambda s: any(key.startswith(UNET_STARTS) for key in s),
    ),
    Kind("unknown", "none of AnimateDiff's formats", lambda s: True),
)

KIND_PHRASES = {kind.name: kind.phrase for kind in KINDS}


def kind_of(tensors: Mapping[str, Any]) -> str:
    """The name in KINDS of what a file with these tensors, or shapes, holds."""
    shapes = {strip_wrappers(k): tuple(getattr(t, "shape", t)) for k, t in tensors.items()}
    return next(kind.name for kind in KINDS if kind.bears(shapes))
