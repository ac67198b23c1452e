"""What nodes are connected to while they are fuzzed: tiny models and clips, as nodes of ComfyUI."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import comfy.samplers
import torch
from adk_tests.support import camera, encoders, tiny, windowed
from adk_tests.support.clip_sets import DrawnClips
from adk_tests.training import small
from adk_tests.training.clips import ClipsInMemory
from animatediff_kit.sampling.values.over_time import value_over_time
from animatediff_kit.training.engine.config import TrainingSettings


def pictures() -> torch.Tensor:
    """Six frames of 96 by 96, each another."""
    return torch.rand((6, 96, 96, 3), generator=torch.Generator().manual_seed(3))


SOURCES: dict[str, Callable[[], Any]] = {
    # ComfyUI's type -> what a node of that output gives
    "MODEL": cache(small.image_model),
    "CLIP": cache(encoders.text_encoder),
    "VAE": cache(encoders.vae),
    "ADK_MOTION_MODEL": cache(small.motion_patcher),
    "ADK_CLIPS": lambda: DrawnClips(2),
    "ADK_ENCODED_CLIPS": lambda: ClipsInMemory(frames=2, side=8),
    "ADK_TRAINING_SETTINGS": lambda: TrainingSettings(
        steps=2, save_every=0, preview_every=0, gradient_checkpointing=False
    ),
    "IMAGE": pictures,
    "LATENT": lambda: {"samples": torch.zeros((4, 4, 8, 8))},
    "CONDITIONING": lambda: tiny.prompt(5),
    "ADK_STRENGTH": lambda: value_over_time(per_frame="0: 0.2, 3: 1"),
    "ADK_CAMERA_PATH": lambda: camera.path(4),
    "CONTROL_NET": cache(windowed.control_net),
    "AUDIO": lambda: {
        "waveform": torch.rand((1, 1, 8000), generator=torch.Generator().manual_seed(4)) - 0.5,
        "sample_rate": 8000,
    },
    "SAMPLER": lambda: comfy.samplers.sampler_object("euler"),
}


def source(kind: str, make: Callable[[], Any]) -> type:
    """A node class that gives what `make` does, of this type."""

    class Source:
        RETURN_TYPES = (kind,)
        FUNCTION = "give"
        CATEGORY = "fuzz"

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {}}

        def give(self) -> tuple[Any]:
            return (make(),)

    return Source


KEPT: list[Any] = []
"""What came out of the prompt that ran last."""


def keeper(kind: str) -> type:
    """An output node that keeps an object of this type."""

    class Keeper:
        RETURN_TYPES = ()
        FUNCTION = "keep"
        CATEGORY = "fuzz"
        OUTPUT_NODE = True

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"value": (kind,)}}

        def keep(self, value: Any) -> dict[str, Any]:
            KEPT.append(value)
            return {}

    return Keeper
