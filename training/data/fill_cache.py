"""Encodes what a cache lacks: clips read ahead by threads, several a call of the VAE."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..files.locks import FolderInUse, lock_folder
from .bad_share import MOST
from .cache import LATENTS, TEXTS, EncodedClips, latents_in, skipped_in, texts_in
from .cache_identity import Identity, identify, manifest_of, read_manifest, write_manifest
from .clips import ClipSet
from .encode import NoNumbers, Read, as_float16, encode_group, encode_text, groups, read_clips
from .left_out import LeftOut, LeftOutError, name_broken, name_left_out
from .medium import MediumError
from .older_cache import is_older, upgrade
from .records import latents_key, text_key
from .shards import SHARD_BYTES, ShardWriter, WriteError, named_errors

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with what is done, and with how much there is to do."""


def encode_clips(
    clips: ClipSet,
    vae: Any,
    clip: Any,
    folder: Path,
    on_progress: Progress = lambda done, total: None,
    identity: Identity | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> EncodedClips:
    """Encode what the folder does not hold yet, with ComfyUI's VAE and CLIP. It may hold other
    sets' clips and texts, too, which stay.

    Clips whose files are broken are named in a warning, each time, and left out for good; so are,
    till the next encoding, a few that are unfit or that the VAE gives no numbers for. identity: of
    these clips and models, where the caller knows it. Raises ValueError for a folder of an earlier
    version that other clips have filled, while another process encodes into it, when the disk is
    full or the clips' own cannot be read (what is done is kept), and when no clip can be read.
    """
    identity = identity or identify(clips, vae, clip)
    filling = Filling(clips, vae, clip, folder, on_progress, identity, shard_bytes)
    if is_older(folder) or not filling.is_complete():
        with locked(folder):
            filling.encode()
    else:
        filling.name_the_broken()
    return EncodedClips(folder, manifest_of(identity, filling.left_out))


class Filling:
    """One set on its way into a folder.   broken: names of the clips that were left out before,
    by their keys;   left_out: why others are, by theirs"""

    def __init__(
        self,
        clips: ClipSet,
        vae: Any,
        clip: Any,
        folder: Path,
        on_progress: Progress,
        identity: Identity,
        shard_bytes: int,
    ) -> None:
        self.clips, self.vae, self.clip, self.folder = clips, vae, clip, folder
        self.identity, self.shard_bytes, self.report = identity, shard_bytes, on_progress
        self.captions = sorted(
            {"", *(caption for entry in identity.clips for caption in entry.captions)}
        )
        self.broken: dict[str, str] = {}
        self.left_out: dict[str, LeftOut] = {}
        self.done, self.total = 0, len(self.captions) + len(identity.clips)

    def is_complete(self) -> bool:
        """Whether the folder lacks nothing; then it need not be one that can be written."""
        manifest = read_manifest(self.folder)
        if manifest is None or manifest != manifest_of(self.identity):
            return False
        return not self.missing_texts() and not self.missing_clips()

    def missing_texts(self) -> list[str]:
        texts, digest = texts_in(self.folder), self.identity.clip
        return [c for c in self.captions if text_key(c, digest, "embedding") not in texts]

    def missing_clips(self) -> list[int]:
        """The first number of each clip that is not there."""
        latents = latents_in(self.folder)
        known = skipped_in(latents).keys()
        self.broken = {e.key: e.name for e in self.identity.clips if e.key in known}
        first: dict[str, int] = {}
        for index, entry in enumerate(self.identity.clips):
            if entry.key not in known and latents_key(entry.key) not in latents:
                first.setdefault(entry.key, index)
        return list(first.values())

    def encode(self) -> None:
        """The caller has locked the folder."""
        if is_older(self.folder):
            upgrade(self.folder, self.identity)
        self.note_set()
        texts, clips = self.missing_texts(), self.missing_clips()
        self.name_the_broken()
        try:
            self.step(self.total - len(texts) - len(clips))
            self.encode_texts(texts)
            self.encode_clips(clips)
        except WriteError as error:
            raise ValueError(
                f"{error} {self.kept()} are encoded and kept there. Make room and run again, which "
                "goes on where it stopped, or choose another cache_folder."
            ) from error
        except MediumError as error:
            raise MediumError(
                f"{error} {self.kept()} are encoded and kept; the same run goes on behind them."
            ) from error
        self.name_the_left_out()

    def kept(self) -> str:
        of = len(self.identity.clips)
        return f"{of - len(self.missing_clips())} of {of} clips"

    def note_set(self) -> None:
        manifest = manifest_of(self.identity, self.left_out)
        if read_manifest(self.folder) != manifest:
            write_manifest(self.folder, manifest)

    def step(self, count: int = 1) -> None:
        if count:
            self.done += count
            self.report(self.done, self.total)

    def encode_texts(self, captions: list[str]) -> None:
        digest = self.identity.clip
        with ShardWriter(self.folder, TEXTS, self.shard_bytes, is_locked=True) as writer:
            for caption in captions:
                tensors = encode_text(self.clip, caption, digest)
                writer.add({"caption": caption, "clip": digest}, tensors)
                self.step()

    def encode_clips(self, indices: list[int]) -> None:
        wanted = [(index, self.identity.clips[index]) for index in indices]
        reads = read_clips(self.clips, wanted)
        with ShardWriter(self.folder, LATENTS, self.shard_bytes, is_locked=True) as writer:
            try:
                for group in groups(reads, self.vae):
                    self.add_group(writer, group)
            finally:
                reads.close()

    def add_group(self, writer: ShardWriter, group: list[Read]) -> None:
        if group[0].frames is None:
            self.skip(writer, group[0])
            self.step()
            return
        for read, latents in zip(group, encode_group(self.vae, group), strict=True):
            try:
                tensor = as_float16(latents, "VAE", read.entry.name)
                writer.add({"key": read.entry.key}, {latents_key(read.entry.key): tensor})
            except NoNumbers as error:
                self.leave_out(read, error)
            self.step()

    def skip(self, writer: ShardWriter, read: Read) -> None:
        if read.unfit is not None:
            self.leave_out(read, read.unfit)
            return
        log.warning("%s The clip is left out.", read.unreadable)
        writer.add({"key": read.entry.key, "skipped": read.unreadable}, {})

    def name_the_broken(self) -> None:
        name_broken(list(self.broken.values()), len({e.key for e in self.identity.clips}))

    def leave_out(self, read: Read, error: LeftOutError) -> None:
        """Raises the error where too large a share of the set is left out."""
        self.left_out[read.entry.key] = LeftOut(read.entry.name, error)
        if len(self.left_out) > MOST * len(self.identity.clips):
            raise error

    def name_the_left_out(self) -> None:
        if self.left_out:
            name_left_out(list(self.left_out.values()), len(self.identity.clips))
            self.note_set()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder, with this process as its only writer. Raises ValueError."""
    try:
        with named_errors(folder):
            lock = lock_folder(folder)
    except FolderInUse as error:
        raise ValueError(
            f"Another process encodes clips into {folder}. Wait until it has ended and run again, "
            "which goes on where it stopped, or choose another cache_folder."
        ) from error
    except WriteError as error:
        raise ValueError(f"{error} Choose another cache_folder, or make room.") from error
    try:
        yield
    finally:
        lock.release()
