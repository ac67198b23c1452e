"""Clips as latents and text embeddings on disk, encoded once, so that training needs neither VAE
nor text encoder in memory.

    manifest.json                 what was encoded, with what: the cache's identity
    latents-00000.safetensors     latents.<clip>: f 4 h w, float16, as VAE.encode gave them
    texts-00000.safetensors       <hash of the caption>.embedding: t c, .pooled: c, float16
    writer.lock                   locked while clips are encoded, by one process at a time

Encoding goes on where it stopped, whatever stopped it. f frames, h w latent pixels, t text tokens,
c channels.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..files.fingerprints import digest_of
from ..files.locks import FolderInUse
from .cache_identity import Identity, begin, identify, read_manifest
from .clips import ClipSet, UnreadableClip
from .records import is_clip, is_text, latents_key, text_key
from .shards import SHARD_BYTES, ShardReader, ShardWriter, WriteError

log = logging.getLogger(__name__)

LATENTS, TEXTS = "latents", "texts"
CHANNELS = 4

Progress = Callable[[int, int], None]
"""Called with what is done, and with how much there is to do."""


@dataclass(frozen=True)
class Text:
    """embedding: t c;   pooled: c, or None where the text encoder gives none; float32"""

    embedding: Tensor
    pooled: Tensor | None


class EncodedClips:
    """A finished cache. Tensors are read when they are asked for; only names, captions and shapes
    are in memory. Unreadable clips are not in it.

    fingerprint: of the clips, the VAE and the text encoder. Raises ValueError for a folder that is
    no cache or is not finished.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        manifest = read_manifest(folder)
        if manifest is None:
            raise ValueError(f"{folder} holds no encoded clips. Encode clips into it first.")
        self.fingerprint = digest_of(manifest)
        self._latents, self._texts = latents_in(folder), texts_in(folder)
        records = {record["clip"]: record for record in self._latents.records}
        captions = {"", *(record["caption"] for record in records.values() if "name" in record)}
        lost = [c for c in captions if text_key(c, "embedding") not in self._texts]
        if lost or len(records) < manifest["clips"]:
            without = f" and lacks {len(lost)} of {len(captions)} texts" if lost else ""
            raise ValueError(
                f"{folder} holds {len(records)} of {manifest['clips']} clips{without}. Encode the "
                "same clips into it again: only the rest is encoded."
            )
        kept = sorted(clip for clip, record in records.items() if "skipped" not in record)
        self._records = [records[clip] for clip in kept]
        if not kept:
            skipped = next(iter(records.values()))["skipped"]
            raise ValueError(f"None of the {len(records)} clips can be read: {skipped}")

    def __len__(self) -> int:
        return len(self._records)

    def name(self, index: int) -> str:
        return self._records[index]["name"]

    def caption(self, index: int) -> str:
        return self._records[index]["caption"]

    def shape(self, index: int) -> tuple[int, ...]:
        """f 4 h w"""
        return self._latents.shapes[self._key(index)]

    def latents(self, index: int) -> Tensor:
        """As VAE.encode gave them, not scaled by the latent format.   -> f 4 h w, float32"""
        return self._latents.get(self._key(index))

    def text(self, caption: str) -> Text:
        """Of a clip's caption, or of the empty one, which is always there."""
        pooled = text_key(caption, "pooled")
        return Text(
            self._texts.get(text_key(caption, "embedding")),
            self._texts.get(pooled) if pooled in self._texts else None,
        )

    def buckets(self) -> dict[tuple[int, ...], list[int]]:
        """Clips of one shape, which can share a batch."""
        found: dict[tuple[int, ...], list[int]] = {}
        for index in range(len(self)):
            found.setdefault(self.shape(index), []).append(index)
        return found

    def _key(self, index: int) -> str:
        return latents_key(self._records[index]["clip"])


def latents_in(folder: Path) -> ShardReader:
    return ShardReader(folder, LATENTS, is_clip)


def texts_in(folder: Path) -> ShardReader:
    return ShardReader(folder, TEXTS, is_text)


def encode_clips(
    clips: ClipSet,
    vae: Any,
    clip: Any,
    folder: Path,
    on_progress: Progress = lambda done, total: None,
    identity: Identity | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> EncodedClips:
    """Encode what the folder does not hold yet, with ComfyUI's VAE and CLIP.

    Unreadable clips are named in a warning and left out for good. identity: of these clips and
    models, where the caller knows it. Raises ValueError for a folder that other clips, settings or
    models have filled (nothing in it is touched), while another process encodes into it, when the
    disk is full (what is done is kept), and when no clip can be read.
    """
    identity = identity or identify(clips, vae, clip)
    begin(folder, identity)
    captions = sorted({"", *(clips.caption(i) for i in range(len(clips)))})
    texts, latents = texts_in(folder), latents_in(folder)
    known = {record["clip"] for record in latents.records}
    progress = Counter(len(captions) + len(clips), on_progress)
    try:
        with ShardWriter(folder, TEXTS, shard_bytes) as writer:
            for caption in captions:
                if text_key(caption, "embedding") not in texts:
                    writer.add({"caption": caption}, encode_text(clip, caption))
                progress.step()
        with ShardWriter(folder, LATENTS, shard_bytes) as writer:
            for index in range(len(clips)):
                if index not in known:
                    writer.add(*encode_clip(clips, index, vae))
                progress.step()
    except FolderInUse as error:
        raise ValueError(
            f"Another process encodes clips into {folder}. Wait until it has ended and run again, "
            "which goes on where it stopped, or choose another cache_folder."
        ) from error
    except WriteError as error:
        kept = len({record["clip"] for record in latents_in(folder).records})
        raise ValueError(
            f"{error} {kept} of {len(clips)} clips are encoded and kept there. Make room and run "
            "again, which goes on where it stopped, or choose another cache_folder."
        ) from error
    return EncodedClips(folder)


@dataclass
class Counter:
    total: int
    report: Progress
    done: int = 0

    def step(self) -> None:
        self.done += 1
        self.report(self.done, self.total)


def encode_text(clip: Any, caption: str) -> dict[str, Tensor]:
    encoded = clip.encode_from_tokens(clip.tokenize(caption), return_pooled=True, return_dict=True)
    tensors = {text_key(caption, "embedding"): encoded["cond"][0]}
    if hasattr(clip.cond_stage_model, "clip_g"):  # SDXL's; SD1.5's would be noise: UNFILLED
        tensors[text_key(caption, "pooled")] = encoded["pooled_output"][0]
    return {key: as_float16(tensor, "text encoder", caption) for key, tensor in tensors.items()}


def encode_clip(clips: ClipSet, index: int, vae: Any) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A clip's record and its latents; the record alone where it is unreadable."""
    try:
        read = clips.read(index)
    except UnreadableClip as error:
        log.warning("%s The clip is left out.", error)
        return {"clip": index, "skipped": str(error)}, {}
    latents = encode_frames(vae, read.frames, f"{index}/{read.name}")
    if latents.ndim != 4 or latents.shape[:2] != (len(read.frames), CHANNELS):
        raise ValueError(
            f"The VAE makes latents of shape {tuple(latents.shape)} of {len(read.frames)} frames; "
            f"AnimateDiff needs {CHANNELS} channels a frame. Connect a VAE of SD1.5 or SDXL."
        )
    record = {"clip": index, "name": read.name, "caption": read.caption}
    return record, {latents_key(index): as_float16(latents, "VAE", read.name)}


def encode_frames(vae: Any, frames: Tensor, seed: str) -> Tensor:
    """VAE.encode with a generator of the clip's own, where the VAE draws its latents at random, so
    that a clip's latents hang on nothing that was encoded before.   f h w 3 -> f 4 h w"""
    device = vae.device
    own = device.type in ("cuda", "xpu")
    with torch.random.fork_rng([device] if own else [], device_type=device.type if own else "cuda"):
        torch.manual_seed(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
        return vae.encode(frames)


def as_float16(tensor: Tensor, model: str, of: str) -> Tensor:
    """As float16. Raises ValueError for NaN and for numbers that are too large."""
    result = tensor.to(torch.float16)
    if not torch.isfinite(result).all():
        raise ValueError(
            f"The {model} gives NaN or infinite numbers for {of!r}. Start ComfyUI with --fp32-vae "
            "or --fp32-text-enc, or use another checkpoint."
        )
    return result
