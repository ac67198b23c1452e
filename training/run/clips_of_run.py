"""The clips of a run from the command line: its file's sources, encoded into its cache."""

from __future__ import annotations

import logging
from pathlib import Path

import comfy.model_management as memory
import torch

from ..data.cache import EncodedClips
from ..data.clips import ClipSet
from ..data.fill_cache import encode_clips
from ..data.joined_clips import joined
from ..data.probes import PROBES, Probes
from ..data.video_clips import VideoClips
from ..engine.batches import Clips
from ..engine.processes import Processes
from .load_image_model import load_model
from .moved_pictures import drawn_pictures, moved_pictures
from .run_config import RunConfig
from .stage_table import CAMERA_MOVE

log = logging.getLogger("animatediff_kit.training")


def encoded_clips(config: RunConfig, processes: Processes) -> EncodedClips:
    """The clips as latents, encoded by the first process where the cache lacks them. Raises
    ValueError where another run has put another set into it meanwhile."""
    folder = config.clips[0].cache
    encoded = encode(config) if processes.rank == 0 else None
    processes.wait()
    clips = EncodedClips(folder) if encoded is None else encoded
    check_same_clips(clips, processes, folder)
    return clips


def check_same_clips(clips: Clips, processes: Processes, folder: Path) -> None:
    """Raise ValueError, in all processes, where they have not the same clips: the first knows its
    own, and the others read which set was the last to be encoded into the cache."""
    if not processes.is_alike(f"{clips.fingerprint} {len(clips)}"):
        raise ValueError(
            f"The {processes.count} processes found different sets of clips in {folder}, into "
            "which another run encodes at the same time. Start this one again when that has "
            "encoded its clips, or set another [clips] cache."
        )


def encode(config: RunConfig) -> EncodedClips:
    """A function of its own, so that the encoders are gone behind it."""
    folder = config.clips[0].cache
    is_moved = config.stage.name == CAMERA_MOVE
    clips = None if is_moved else clips_of(config)
    model, clip, vae = load_model(config, encoders=True)
    with torch.inference_mode():
        if clips is None:
            drawn = drawn_pictures(config, model, clip, vae, folder)
            clips = moved_pictures(config, drawn)
        log.info("Encoding %d clips into %s.", len(clips), folder)
        encoded = encode_clips(clips, vae, clip, folder)
    del model, clip, vae
    memory.unload_all_models()
    memory.soft_empty_cache()
    return encoded


def clips_of(config: RunConfig) -> ClipSet:
    """The clips of all sources, in their order."""
    known = Probes(config.clips[0].cache / PROBES)
    clips: ClipSet | None = None
    for table in config.clips:
        own = VideoClips(table.source, table.settings(), probes=known)
        clips = joined(clips, own, table.repeats)
    assert clips is not None  # a file without sources is refused
    return clips
