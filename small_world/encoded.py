"""Clips of the world, encoded by its own models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..training.data.cache import EncodedClips
from ..training.data.fill_cache import encode_clips
from .world_clips import WorldClips


def encoded(clips: WorldClips, vae: Any, clip: Any, folder: Path) -> EncodedClips:
    """What the folder lacks is encoded into it."""
    with torch.inference_mode():
        return encode_clips(clips, vae, clip, folder)
