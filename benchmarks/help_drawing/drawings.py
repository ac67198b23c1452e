"""Videos of the small world that are drawn and not sampled: what a person brings along."""

from __future__ import annotations

from dataclasses import replace

import torch

from ...small_world.draw import clip_frames, video
from .kept import Frames, as_bytes


def a_video(seed: int, count: int) -> Frames:
    """A thing that goes round.   -> f 64 64 3"""
    scene = next(s for s in (video(seed, n) for n in range(1000)) if s.motion == "orbit")
    return as_bytes(torch.from_numpy(clip_frames(replace(scene, camera="none"), count)))
