"""What single nodes are connected to in place of what all are: they take files of a family of their
own, or things that belong together."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from adk_tests.fuzz.sources import pictures
from adk_tests.support import image_to_video, pia, sparse, tiny
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.sampling.continuation import continue_latent
from comfy.model_patcher import ModelPatcher

Make = Callable[[], Any]


def from_file(patcher: Callable[[Path], ModelPatcher]) -> ModelPatcher:
    with tempfile.TemporaryDirectory() as folder:
        return patcher(Path(folder))


def clip_before() -> dict[str, Any]:
    samples = torch.randn((4, 4, 8, 8), generator=torch.Generator().manual_seed(6))
    return {"samples": samples, "batch_index": [3, 4, 5, 6]}


wide = cache(tiny.image_model)
"""With all four levels, as files of a family are read."""

wide_motion = cache(lambda: tiny.motion_patcher("v3"))
animated = cache(lambda: apply_motion_model(wide(), wide_motion()))

WIDE: dict[str, tuple[str, Make]] = {"MODEL": ("MODEL", wide)}
PICTURE: dict[str, tuple[str, Make]] = {"IMAGE": ("IMAGE", lambda: pictures()[:1])}

OWN: dict[str, dict[str, tuple[str, Make]]] = {
    # node -> its socket, or a type -> the type, and what makes it
    "ADK_TrainMotionModule": {
        **WIDE,
        "ADK_MOTION_MODEL": ("ADK_MOTION_MODEL", wide_motion),
    },
    "ADK_ApplyPIA": {
        **WIDE,
        **PICTURE,
        "ADK_MOTION_MODEL": ("ADK_MOTION_MODEL", cache(lambda: from_file(pia.patcher))),
    },
    "ADK_ApplyImageToVideo": {
        **WIDE,
        **PICTURE,
        "ADK_MOTION_MODEL": ("ADK_MOTION_MODEL", cache(lambda: from_file(image_to_video.patcher))),
    },
    "ADK_ApplyCameraControl": {"MODEL": ("MODEL", animated)},
    "ADK_LoadSparseControl": {**WIDE, **PICTURE},
    "ADK_ApplySparseControl": {
        **WIDE,
        **PICTURE,
        "CONTROL_NET": ("CONTROL_NET", cache(lambda: sparse.control("rgb"))),
    },
    "ADK_JoinContinuation": {
        "before": ("LATENT", clip_before),
        "continued": ("LATENT", lambda: continue_latent(clip_before(), 2, 3)),
    },
    "ADE_LoadAnimateLCMI2VModel": WIDE,
}


def own_sources() -> dict[str, tuple[str, Make]]:
    """By the names of their nodes in a prompt."""
    return {
        f"Fuzz_{node}_{key}": given
        for node, sources in OWN.items()
        for key, given in sources.items()
    }
