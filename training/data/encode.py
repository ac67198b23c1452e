"""Clips and captions through ComfyUI's VAE and CLIP, as a cache keeps them.

f frames, h w latent pixels or pixels, c channels, t text tokens.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import psutil
import torch
from torch import Tensor

from .cache_identity import Entry
from .clips import ClipSet, UnfitClip, UnreadableClip
from .read_ahead import THREADS, ahead
from .records import literal, text_key

log = logging.getLogger(__name__)

CHANNELS = 4

FRAMES = 64
"""Of clips that go through the VAE in one call, which itself takes as many as memory holds; a clip
of more has a call of its own."""

MEMORY = 0.25
"""The share of the free memory that pixels may take that are read ahead."""


class NoNumbers(ValueError):
    """A model gives NaN or infinite numbers for a clip or a text."""


@dataclass(frozen=True)
class Read:
    """A clip's pixels at the training size, f h w 3, or why there are none."""

    entry: Entry
    frames: Tensor | None
    unreadable: str = ""
    unfit: UnfitClip | None = None


def read_clips(clips: ClipSet, wanted: list[tuple[int, Entry]]) -> Generator[Read, None, None]:
    """Clips by their numbers, decoded by threads a few ahead, part by part."""
    for _, part in groupby(wanted, lambda item: clips.part(item[0])):
        yield from read_part(clips, list(part))


def read_part(clips: ClipSet, wanted: list[tuple[int, Entry]]) -> Generator[Read, None, None]:
    """The first tells how much memory the others take."""

    def read(item: tuple[int, Entry]) -> Read:
        index, entry = item
        try:
            return Read(entry, read_surely(clips, index))
        except UnreadableClip as error:
            return Read(entry, None, str(error))
        except UnfitClip as error:
            return Read(entry, None, unfit=error)

    depth = 1
    for number, item in enumerate(wanted):
        first = read(item)
        yield first
        if first.frames is not None:
            depth = depth_for(first.frames)
            yield from ahead(read, wanted[number + 1 :], depth)
            return


def read_surely(clips: ClipSet, index: int) -> Tensor:
    """A clip's frames, tried a second time where they cannot be decoded: that is kept for good, and
    a network's short silence looks the same.   -> f h w 3"""
    try:
        return clips.read(index).frames
    except UnreadableClip:
        return clips.read(index).frames


def depth_for(frames: Tensor) -> int:
    """How many clips of that size may be in memory, read ahead."""
    size = frames.numel() * frames.element_size()
    room = int(psutil.virtual_memory().available * MEMORY)
    return max(1, min(2 * THREADS, room // max(1, size)))


def groups(clips: Iterator[Read], vae: Any) -> Iterator[list[Read]]:
    """Clips one behind the other that can share a call of the VAE."""
    group: list[Read] = []
    alone = draws_at_random(vae)
    for clip in clips:
        if group and (alone or not fits(group, clip)):
            yield group
            group = []
        group.append(clip)
    if group:
        yield group


def fits(group: list[Read], clip: Read) -> bool:
    frames = [read.frames for read in (*group, clip) if read.frames is not None]
    if len(frames) < len(group) + 1:
        return False
    same = {tuple(one.shape[1:]) for one in frames}
    return len(same) == 1 and sum(len(one) for one in frames) <= FRAMES


def draws_at_random(vae: Any) -> bool:
    """Whether latents are drawn, so that a clip needs a call and a generator of its own."""
    regularization = getattr(vae.first_stage_model, "regularization", None)
    return bool(getattr(regularization, "sample", True))


def encode_group(vae: Any, group: list[Read]) -> list[Tensor]:
    """The latents of each clip, f 4 h w, float32. Raises ValueError for a VAE of another kind."""
    frames = [read.frames for read in group if read.frames is not None]
    latents = encode_frames(vae, torch.cat(frames), group[0].entry.key)
    count = sum(map(len, frames))
    if latents.ndim != 4 or latents.shape[:2] != (count, CHANNELS):
        raise ValueError(
            f"The VAE makes latents of shape {tuple(latents.shape)} of {count} frames; "
            f"AnimateDiff needs {CHANNELS} channels a frame. Connect a VAE of SD1.5 or SDXL."
        )
    return list(latents.split([len(one) for one in frames]))


def encode_frames(vae: Any, frames: Tensor, seed: str) -> Tensor:
    """VAE.encode with a generator of the clip's own, where the VAE draws its latents at random, so
    that a clip's latents hang on nothing that was encoded before.   f h w 3 -> f 4 h w"""
    device = vae.device
    own = device.type in ("cuda", "xpu")
    with torch.random.fork_rng([device] if own else [], device_type=device.type if own else "cuda"):
        torch.manual_seed(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
        return vae.encode(frames)


def encode_text(clip: Any, caption: str, digest: str) -> dict[str, Tensor]:
    """digest: the text encoder's."""
    tokens = clip.tokenize(literal(caption))
    encoded = clip.encode_from_tokens(tokens, return_pooled=True, return_dict=True)
    tensors = {text_key(caption, digest, "embedding"): encoded["cond"][0]}
    if hasattr(clip.cond_stage_model, "clip_g"):  # SDXL's; SD1.5's would be noise: UNFILLED
        tensors[text_key(caption, digest, "pooled")] = encoded["pooled_output"][0]
    return {key: as_float16(tensor, "text encoder", caption) for key, tensor in tensors.items()}


def as_float16(tensor: Tensor, model: str, of: str) -> Tensor:
    """As float16. Raises NoNumbers for NaN and for numbers that are too large."""
    result = tensor.to(torch.float16)
    if not torch.isfinite(result).all():
        raise NoNumbers(
            f"The {model} gives NaN or infinite numbers for {of!r}. Start ComfyUI with --fp32-vae "
            "or --fp32-text-enc, or use another checkpoint; what that model encodes is then "
            "encoded anew, and runs begin anew."
        )
    return result
