"""The clips that the scenes are made of, each as the nodes of its page sample it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import comfy.sample
import torch
from torch import Tensor

from ...small_world import files
from ...small_world.motions import SIDE
from .kept import Frames
from .sound import beats
from .world import (
    Taking,
    animated,
    clip,
    do,
    first,
    image_model,
    models,
    motion_model,
    prompt,
    sampled,
    with_move,
)

LONG, LENGTH, OVERLAP = 28, 16, 4
KEPT, NEW = 4, 12

STAR = "a red star moving right on a teal background"
CROSS = "a purple cross going round on a white background"
CIRCLE = "a blue circle going round on a gray background"
SQUARE = "a red square on a gray checkered background"
TRAVEL = "0: a red circle on a black background\n15: a yellow star on a pink background"
MOVES = ("zoom in", "pan left", "tilt up", "roll clockwise")


def windowed(**more: Any) -> Any:
    return first("ADK_ContextWindows", model=animated(), length=LENGTH, overlap=OVERLAP, **more)


def adapted(seed: int) -> Tensor:
    model = first("ADK_DomainAdapter", model=image_model(), adapter=files.ADAPTER, scale=1.0)
    return sampled(animated(model), STAR, seed)


def guided(cfg: float, seed: int) -> Tensor:
    """The sampler's own cfg has no effect behind the node."""
    return sampled(first("ADK_ModelGuidance", model=animated(), cfg=cfg), STAR, seed)


def stretched(seed: int) -> Tensor:
    motion = first("ADK_StretchPositions", motion_model=motion_model(), length=16, stretch_to=24)
    return sampled(animated(motion=motion), STAR, seed)


def travelled(seed: int) -> Tensor:
    positive = first("ADK_PromptTravel", clip=models(files.BASE)[1], prompts=TRAVEL, frames=16)
    return sampled(animated(), positive, seed)


def blended(blend: Any, seed: int) -> Tensor:
    positive = first(
        "ADK_BlendPrompts",
        first=prompt("a blue circle on a white background"),
        second=prompt("an orange circle on a black background"),
        blend=blend,
        frames=16,
    )
    return sampled(animated(), positive, seed)


def by_curve() -> Any:
    return first("ADK_Strength", per_frame="0: 0, 8: 1 smooth, 15: 0 smooth", frames=16)


def by_sound() -> Any:
    return first("ADK_AudioStrength", audio=beats(), frames=16, measure="low")


def long_clip(seed: int) -> Tensor:
    return sampled(windowed(), CROSS, seed, Taking(frames=LONG))


def long_repeated(seed: int) -> Tensor:
    latent = torch.zeros((LONG, 4, SIDE // 8, SIDE // 8))
    noise = first(
        "ADK_FreeNoise", latent={"samples": latent}, seed=seed, length=LENGTH, overlap=OVERLAP
    )
    drawn = noise.generate_noise({"samples": latent})
    return sampled(windowed(), CROSS, seed, Taking(frames=LONG, noise=drawn))


def refined(seed: int) -> Tensor:
    def wrap(sampler: Any) -> Any:
        return first("ADK_FreeInit", sampler=sampler, iterations=3)

    return sampled(animated(), STAR, seed, Taking(wrap=wrap))


def noised(kind: str, seed: int) -> Tensor:
    model = first("ADK_ModelNoise", model=animated(), noise=kind)
    return sampled(model, STAR, seed)


def joined(seed: int) -> Tensor:
    """-> the first 16 frames, the 16 of the continuation, and the whole."""
    before = sampled(animated(), CROSS, seed)
    latent, _ = do("ADK_Continue", latent={"samples": before}, kept=KEPT, frames=NEW)
    noise: Any = comfy.sample.prepare_noise(latent["samples"], seed, None)
    how = Taking(latent=latent["samples"], mask=latent["noise_mask"], noise=noise)
    after = sampled(animated(), CROSS, seed, how)
    continued = {**latent, "samples": after}
    whole = first("ADK_JoinContinuation", before={"samples": before}, continued=continued)
    return torch.cat([before, after, whole["samples"]])


def star(seed: int, **more: Any) -> Tensor:
    return sampled(animated(**more), STAR, seed)


def styled(name: str, seed: int) -> Tensor:
    return sampled(animated(image_model(name)), CIRCLE, seed)


def moved(move: str, seed: int) -> Tensor:
    return sampled(animated(motion=with_move(move)), SQUARE, seed)


TAKES: dict[str, Callable[[int], Tensor]] = {
    "still": lambda seed: sampled(image_model(), STAR, seed),
    "star": star,
    "round": lambda seed: sampled(animated(), CROSS, seed),
    "strengthless": lambda seed: star(seed, strength=0.0),
    **{move: partial(moved, move) for move in MOVES},
    **{f"circle {name}": partial(styled, name) for name in files.IMAGE_MODELS},
    "adapted": adapted,
    "unguided": partial(guided, 1.0),
    "travel": travelled,
    "blend": lambda seed: blended(by_curve(), seed),
    "beats": lambda seed: blended(by_sound(), seed),
    "joined": joined,
    "stretched": stretched,
    "constant": partial(noised, "constant"),
    "long": long_clip,
    "repeated": long_repeated,
    "refined": refined,
}


def taken(name: str, seed: int) -> Frames:
    """A clip of TAKES, rendered once.   -> f 64 64 3"""
    return clip(name.replace(" ", "_"), seed, lambda: TAKES[name](seed))
