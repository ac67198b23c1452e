"""Clips as latents and text embeddings on disk, encoded once, so that training needs neither VAE
nor text encoder in memory.

    manifest.json                 the clips of the set that was encoded last: cache_identity.py
    latents-00000.safetensors     latents.<clip's key>: f 4 h w, float16, as VAE.encode gave them
    texts-00000.safetensors       <hash of caption and CLIP>.embedding: t c, .pooled: c, float16
    writer.lock                   locked while clips are encoded, by one process at a time

A folder may serve many sets: what it holds of a clip is found by the clip's key. Encoding goes on
where it stopped, whatever stopped it. f frames, h w latent pixels, t text tokens, c channels.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from .cache_identity import Manifest, read_manifest
from .records import is_clip, is_text, latents_key, text_key
from .shards import ShardReader
from .sources import natural

LATENTS, TEXTS = "latents", "texts"

TEXTS_AT_HAND = 256
"""Texts that are kept in memory, of 0.2 MB each: the empty one and the latest."""


@dataclass(frozen=True)
class Text:
    """embedding: t c;   pooled: c, or None where the text encoder gives none; float32"""

    embedding: Tensor
    pooled: Tensor | None


class EncodedClips:
    """The clips of a set that is all encoded, in the order of their names. Tensors are read when
    they are asked for; only names, captions and shapes are in memory. Unreadable clips are not in
    it.

    fingerprint: of the clips, their captions, the VAE and the text encoder;   pixels_fingerprint:
    without the captions;   rates: frames a second that the set's clips show, each once, where they
    are known. manifest: of the set; None is the one that lies in the folder. Raises ValueError for
    a folder that is no cache or is not finished.
    """

    def __init__(self, folder: Path, manifest: Manifest | None = None) -> None:
        self.folder = folder
        manifest = manifest or read_manifest(folder)
        if manifest is None:
            raise ValueError(f"{folder} holds no encoded clips. Encode clips into it first.")
        self.fingerprint = manifest.fingerprint()
        self.pixels_fingerprint = manifest.pixels_fingerprint()
        self.rates = manifest.rates
        self._clip = manifest.clip
        self._latents, self._texts = latents_in(folder), texts_in(folder)
        self._recent: dict[str, Text] = {}
        self._lock = threading.Lock()
        skipped = skipped_in(self._latents)
        readable = [e for e in manifest.clips if e.key not in skipped]
        left_out = set(manifest.left_out)
        kept = [e for e in readable if latents_key(e.key) in self._latents]
        wanted = sum(entry.key not in left_out for entry in readable)
        missing = wanted - sum(entry.key not in left_out for entry in kept)
        captions = {"", *(caption for entry in kept for caption in entry.captions)}
        lost = [c for c in captions if self._text_key(c, "embedding") not in self._texts]
        if lost or missing:
            without = f" and lacks {len(lost)} of {len(captions)} texts" if lost else ""
            count = len(manifest.clips)
            raise ValueError(
                f"{folder} holds {count - missing} of {count} clips{without}. Encode the "
                "same clips into it again: only the rest is encoded."
            )
        if not kept:
            why = next(iter(skipped.values()), "the VAE gives no numbers for them.")
            raise ValueError(f"None of the {len(manifest.clips)} clips can be read: {why}")
        self._entries = sorted(kept, key=lambda e: (natural(e.name), e.key, e.caption))

    def __len__(self) -> int:
        return len(self._entries)

    def name(self, index: int) -> str:
        return self._entries[index].name

    def caption(self, index: int) -> str:
        return self._entries[index].caption

    def captions(self, index: int) -> tuple[str, ...]:
        """All that it may be shown with, the first among them."""
        return self._entries[index].captions

    def shape(self, index: int) -> tuple[int, ...]:
        """f 4 h w"""
        return self._latents.shape(self._key(index))

    def latents(self, index: int) -> Tensor:
        """As VAE.encode gave them, not scaled by the latent format.   -> f 4 h w, float32"""
        return self._latents.get(self._key(index))

    def frame(self, index: int, number: int) -> Tensor:
        """One frame of them, which alone is read.   -> 1 4 h w, float32"""
        return self._latents.frame(self._key(index), number)

    def text(self, caption: str) -> Text:
        """Of a clip's caption, or of the empty one, which is always there."""
        with self._lock:
            if caption not in self._recent:
                self._recent[caption] = self._read_text(caption)
            if len(self._recent) > TEXTS_AT_HAND:
                del self._recent[next(one for one in self._recent if one not in ("", caption))]
            return self._recent[caption]

    def _read_text(self, caption: str) -> Text:
        pooled = self._text_key(caption, "pooled")
        return Text(
            self._texts.get(self._text_key(caption, "embedding")),
            self._texts.get(pooled) if pooled in self._texts else None,
        )

    def buckets(self) -> dict[tuple[int, ...], list[int]]:
        """Clips of one shape, which can share a batch."""
        found: dict[tuple[int, ...], list[int]] = {}
        for index in range(len(self)):
            found.setdefault(self.shape(index), []).append(index)
        return found

    def _key(self, index: int) -> str:
        return latents_key(self._entries[index].key)

    def _text_key(self, caption: str, part: str) -> str:
        return text_key(caption, self._clip, part)


def latents_in(folder: Path) -> ShardReader:
    return ShardReader(folder, LATENTS, is_clip)


def texts_in(folder: Path) -> ShardReader:
    return ShardReader(folder, TEXTS, is_text)


def skipped_in(latents: ShardReader) -> dict[str, str]:
    """Why clips are left out, by their keys."""
    return {r["key"]: r["skipped"] for r in latents.records if "skipped" in r}
