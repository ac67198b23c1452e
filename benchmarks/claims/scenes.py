"""Which scenes and seeds the claims are measured on, and clips spoiled on purpose.

No seed here was trained on: the models saw 0, the autoencoder 0 and 1. Lines and thresholds were
set with DEVELOPMENT on drawn clips; what is reported is REPORT.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ...small_world.draw import VIDEOS_SEED, camera_clip, clip_frames, random_of, random_scene
from ...small_world.scene import Scene
from ...small_world.words import MOTIONS

TRAINED, NETWORKS, CHECKED, DEVELOPMENT, REPORT = 0, 11, 12, 21, 31
MOVING = tuple(motion for motion in MOTIONS if motion != "still")
STRAIGHT = ("left", "right", "up", "down")


@dataclass(frozen=True)
class Case:
    """A scene that was never trained on, and the seed of the noise that its clip starts from."""

    scene: Scene
    seed: int

    @property
    def caption(self) -> str:
        return self.scene.caption

    @cached_property
    def real(self) -> Tensor:
        """Drawn, without the videos' defect.   -> f h w 3"""
        return torch.from_numpy(clip_frames(self.scene))

    @cached_property
    def spoiled(self) -> Tensor:
        """Drawn as the video set is.   -> f h w 3"""
        return torch.from_numpy(clip_frames(self.scene, spoiled=True))


def cases(
    count: int,
    seed: int = REPORT,
    motions: tuple[str, ...] = MOVING,
    held: bool = False,
    style: str = "base",
) -> list[Case]:
    """Scenes without camera moves; of the trained combinations, or of those held out."""
    randoms = [random_of(VIDEOS_SEED, seed, number) for number in range(count)]
    scenes = [replace(random_scene(random, held, motions), style=style) for random in randoms]
    return [numbered(scene, seed, number) for number, scene in enumerate(scenes)]


def camera_cases(move: str, count: int, seed: int = REPORT) -> list[Case]:
    """As the reference clips of a MotionLoRA: still things on checkered grounds."""
    return [numbered(camera_clip(seed, number, move), seed, number) for number in range(count)]


def numbered(scene: Scene, seed: int, number: int) -> Case:
    noise = np.random.SeedSequence((seed, number)).generate_state(1, np.uint32)
    return Case(scene, int(noise[0]))


def shuffled(clip: Tensor, seed: int = 0) -> Tensor:
    return clip[shuffled_order(len(clip), seed)]


def shuffled_order(frames: int, seed: int = 0) -> Tensor:
    """Of random orders the first in which at most one in ten steps goes to a neighbour. Raises
    ValueError for fewer than 4 frames, which have no such order."""
    if frames < 4:
        raise ValueError(f"{frames} frames have no order without neighbours; take 4 or more.")
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(frames, generator=generator)
        if int((order.diff().abs() == 1).sum()) <= frames / 10:
            return order


def frozen(clip: Tensor) -> Tensor:
    """The middle frame for all."""
    return clip[len(clip) // 2].expand_as(clip).clone()
