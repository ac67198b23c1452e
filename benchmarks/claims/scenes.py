"""Which scenes and which seeds the claims are measured on.

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
    return numbered(scenes, seed)


def camera_cases(move: str, count: int, seed: int = REPORT) -> list[Case]:
    """As the reference clips of a MotionLoRA: still things on checkered grounds."""
    return numbered([camera_clip(seed, number, move) for number in range(count)], seed)


def numbered(scenes: list[Scene], seed: int) -> list[Case]:
    return [Case(scene, noise_seed(seed, number)) for number, scene in enumerate(scenes)]


def noise_seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence((seed, number)).generate_state(1, np.uint32)[0])
