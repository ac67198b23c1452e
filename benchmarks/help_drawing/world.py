"""The small world's models behind the pack's nodes, and ComfyUI's sampler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import comfy.sample
import comfy.samplers
import torch
from torch import Tensor

from ...nodes import NODES
from ...small_world import files
from ...small_world.motions import FRAMES, SIDE
from .kept import Frames, as_bytes, kept

STEPS, GUIDANCE, SAMPLER, SCHEDULER = 14, 6.0, "euler", "normal"


@cache
def classes() -> dict[str, Any]:
    files.register_folders()
    return {node.define_schema().node_id: node for node in NODES}


def do(node: str, **inputs: Any) -> tuple[Any, ...]:
    """What a node of the pack gives for these inputs; what is left out is its default."""
    return classes()[node].execute(**inputs).args


def first(node: str, **inputs: Any) -> Any:
    return do(node, **inputs)[0]


models = cache(files.load)


def image_model(name: str = files.BASE) -> Any:
    return models(name)[0]


@cache
def motion_model() -> Any:
    return first("ADK_LoadMotionModel", motion_model=files.MOTION_MODEL)


def animated(model: Any = None, motion: Any = None, **more: Any) -> Any:
    """An image model behind Apply Motion Model."""
    model, motion = model or image_model(), motion or motion_model()
    return first("ADK_ApplyMotionModel", model=model, motion_model=motion, **more)


def with_move(move: str, **more: Any) -> Any:
    """The motion model behind Load MotionLoRA."""
    file = files.motion_lora(move)
    return first("ADK_LoadMotionLoRA", motion_model=motion_model(), lora=file, **more)


@torch.inference_mode()
def prompt(text: str) -> list[Any]:
    clip = models(files.BASE)[1]
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))


@dataclass(frozen=True)
class Taking:
    """How a clip is sampled, where it is not as usual. noise, latent: f 4 h w; mask: f 1 1 1"""

    frames: int = FRAMES
    cfg: float = GUIDANCE
    steps: int = STEPS
    noise: Tensor | None = None
    latent: Tensor | None = None
    mask: Tensor | None = None
    wrap: Callable[[Any], Any] = lambda sampler: sampler


@torch.inference_mode()
def sampled(model: Any, positive: Any, seed: int, taking: Taking | None = None) -> Tensor:
    """-> f 4 h w"""
    how = taking or Taking()
    positive = prompt(positive) if isinstance(positive, str) else positive
    latent = how.latent
    if latent is None:
        latent = torch.zeros((how.frames, 4, SIDE // 8, SIDE // 8))
    noise: Any = how.noise
    if noise is None:
        noise = comfy.sample.prepare_noise(latent, seed, None)
    sampler = how.wrap(comfy.samplers.sampler_object(SAMPLER))
    sigmas = comfy.samplers.calculate_sigmas(
        model.get_model_object("model_sampling"), SCHEDULER, how.steps
    )
    return comfy.sample.sample_custom(
        *(model, noise, how.cfg, sampler, sigmas, positive, prompt(""), latent),
        noise_mask=how.mask,
        disable_pbar=True,
        seed=seed,
    )  # fmt: skip


@torch.inference_mode()
def decoded(latents: Tensor) -> Frames:
    """f 4 h w -> f 64 64 3"""
    return as_bytes(models(files.BASE)[2].decode(latents))


def clip(name: str, seed: int, make: Callable[[], Tensor]) -> Frames:
    """A kept clip, whose latents `make` samples.   -> f 64 64 3"""
    return kept(f"{name}-{seed}", lambda: {"frames": decoded(make())})["frames"]
