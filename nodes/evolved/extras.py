"""Old nodes beside the motion model: a checkpoint with a noise schedule, a latent, the way back."""

from __future__ import annotations

import copy
from typing import Any

import folder_paths
import torch

from ...sampling.betas import set_beta_schedule
from ...sampling.unload import without_animation
from .inputs import (
    BETAS,
    CORE,
    USE_EXISTING,
    betas,
    choice,
    is_beta_schedule,
    model,
    number,
    switch,
    whole,
)
from .old_node import OldNode

SCALE = 0.18215
"""Of SD1.5's latents."""


def checkpoint(
    ckpt_name: str,
    beta_schedule: str = USE_EXISTING,
    use_custom_scale_factor: bool = False,
    scale_factor: float = SCALE,
    **unknown: Any,
) -> tuple[Any, Any, Any]:
    name = on_this_disk(ckpt_name)
    loaded, clip, vae = CORE.CheckpointLoaderSimple().load_checkpoint(name)
    if (schedule := BETAS[beta_schedule]) is not None:
        loaded = set_beta_schedule(loaded, schedule)
    if use_custom_scale_factor:
        latents: Any = copy.copy(loaded.model.latent_format)  # a checkpoint has one of its own
        latents.scale_factor = scale_factor
        loaded.model.latent_format = latents
    return loaded, clip, vae


def on_this_disk(name: str) -> str:
    """The name of a checkpoint as this system has it; `/` and `\\` are the same, so that workflows
    travel."""
    wanted, known = str(name).replace("\\", "/"), folder_paths.get_filename_list("checkpoints")
    return next((file for file in known if file.replace("\\", "/") == wanted), name)


def is_checkpoint(name: Any) -> bool | str:
    known = folder_paths.get_filename_list("checkpoints")
    if on_this_disk(name) in known:
        return True
    return (
        f"{name!r} is not there; your folders for checkpoints hold {len(known)} files. Choose "
        "another, or put it there."
    )


def empty(width: int = 512, height: int = 512, batch_size: int = 1, **unknown: Any):
    return ({"samples": torch.zeros([batch_size, 4, height // 8, width // 8])},)


def unload(model: Any, **unknown: Any) -> tuple[Any]:
    return (without_animation(model),)


NODES = (
    OldNode(
        "CheckpointLoaderSimpleWithNoiseSelect",
        "Load Checkpoint w/ Noise Select 🎭🅐🅓",
        lambda: [
            choice("ckpt_name", folder_paths.get_filename_list("checkpoints") or [""]),
            betas(USE_EXISTING),
            switch("use_custom_scale_factor", optional=True),
            number("scale_factor", SCALE, 0.0, 1.0, 0.00001, optional=True),
        ],
        (("MODEL", "MODEL"), ("CLIP", "CLIP"), ("VAE", "VAE")),
        checkpoint,
        (("ckpt_name", is_checkpoint), ("beta_schedule", is_beta_schedule)),
    ),
    OldNode(
        "ADE_EmptyLatentImageLarge",
        "Empty Latent Image (Big Batch) 🎭🅐🅓",
        lambda: [
            whole("width", 512, 64, CORE.MAX_RESOLUTION, step=8),
            whole("height", 512, 64, CORE.MAX_RESOLUTION, step=8),
            whole("batch_size", 1, 1, 262144),
        ],
        (("LATENT", "LATENT"),),
        empty,
    ),
    OldNode(
        "ADE_AnimateDiffUnload",
        "AnimateDiff Unload 🎭🅐🅓",
        lambda: [model()],
        (("MODEL", "MODEL"),),
        unload,
    ),
)
