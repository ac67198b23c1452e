"""What every number of a cache of encoded clips hangs on, clip by clip.

    key of a clip     its name, what decides its pixels (ClipSet.identity), and the VAE
    key of a text     the caption and the text encoder (records.py)

So what is encoded once is found again by whatever set holds it: a folder that was moved, one with
more clips, one with other captions. Beside the shards lies manifest.json: the clips of the set that
was encoded last, with their captions.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..files.atomic import write_atomic
from ..files.fingerprints import digest_of, weights_digest
from .clips import ClipSet
from .shards import WriteError, named_errors
from .walk import stop_if_asked

MANIFEST = "manifest.json"
FORMAT, OLDER = 3, 2
"""2 knew the set as a whole: older_cache.py. 1 was without checksums, and some of its videos and
texts were read otherwise: turned, with other colours, in another encoding. So its clips are encoded
anew."""


class Entry(NamedTuple):
    """A clip of a set.   others: captions beside the first"""

    key: str
    name: str
    caption: str
    others: tuple[str, ...] = ()

    @property
    def captions(self) -> tuple[str, ...]:
        return (self.caption, *self.others)

    def written(self) -> list[str]:
        return [self.key, self.name, *self.captions]


def read_entry(written: list[Any]) -> Entry:
    key, name, caption, *others = map(str, written)
    return Entry(key, name, caption, tuple(others))


@dataclass(frozen=True)
class Identity:
    """What decides every number of a set of encoded clips.   vae, clip: digests of the models

    description: of the set as a whole, for caches of format 2;   rates: as rates_of gives them,
    which decide nothing and are told to people.
    """

    vae: str
    clip: str
    clips: tuple[Entry, ...]
    description: dict[str, Any]
    rates: tuple[float, ...] = ()


def identify(clips: ClipSet, vae: Any, clip: Any) -> Identity:
    """Raises ValueError where a checkpoint has brought no VAE or no text encoder, and ComfyUI's
    InterruptProcessingException after Cancel."""
    if vae is None or getattr(vae, "first_stage_model", None) is None:
        raise ValueError("There is no VAE: the checkpoint has none. Connect one from Load VAE.")
    if clip is None:
        raise ValueError(
            "There is no text encoder: the checkpoint has none. Connect one from Load CLIP."
        )
    settings = [clip.layer_idx, getattr(clip, "tokenizer_options", {})]
    text = digest_of([weights_digest(clip.patcher, stop_if_asked), repr(settings)])
    image = weights_digest(vae.patcher, stop_if_asked)
    entries = tuple(entry_of(clips, index, image) for index in range(len(clips)))
    described = json.loads(json.dumps(clips.description()))
    return Identity(image, text, entries, described, rates_of(clips))


def rates_of(clips: ClipSet) -> tuple[float, ...]:
    """The frames a second that its clips show, each once, to a thousandth; without those that
    nobody knows."""
    return tuple(sorted({round(clips.fps(index), 3) for index in range(len(clips))} - {0.0}))


def entry_of(clips: ClipSet, index: int, vae: str) -> Entry:
    stop_if_asked()
    name = clips.name(index)
    key = digest_of({"name": name, "clip": clips.identity(index), "vae": vae})[:32]
    caption, *others = clips.captions(index)
    return Entry(key, name, caption, tuple(others))


@dataclass(frozen=True)
class Manifest:
    """left_out: keys of clips that no latents could be made of, and that the next encoding tries
    again. rates: as Identity has them; manifests that were written without are no others."""

    vae: str
    clip: str
    clips: tuple[Entry, ...]
    left_out: tuple[str, ...] = ()
    rates: tuple[float, ...] = field(default=(), compare=False)

    def fingerprint(self) -> str:
        """Of the clips with their captions and both models; their order makes no difference."""
        pairs = sorted([entry.key, *entry.captions] for entry in self.clips)
        return digest_of([self.clip, pairs])

    def pixels_fingerprint(self) -> str:
        """The same without the captions."""
        return digest_of([self.clip, sorted(entry.key for entry in self.clips)])

    def written(self) -> bytes:
        clips = [entry.written() for entry in self.clips]
        content = {"format": FORMAT, **vars(self), "clips": clips}
        return json.dumps({**content, "checksum": checksum(content)}).encode()


def checksum(content: Any) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def manifest_of(identity: Identity, left_out: Iterable[str] = ()) -> Manifest:
    out = tuple(sorted(left_out))
    return Manifest(identity.vae, identity.clip, identity.clips, out, identity.rates)


def read_json(folder: Path) -> dict[str, Any] | None:
    """What manifest.json holds, of whatever format; None where no cache has been begun. Raises
    ValueError when it is damaged, gone or too old."""
    path = folder / MANIFEST
    # Looked for first: another process, which may begin the cache meanwhile, writes them after it.
    has_shards = any(folder.glob("*-*.safetensors"))
    if not path.exists():
        if has_shards:
            raise ValueError(
                f"{folder} has lost its {MANIFEST}, so nobody knows what its clips were encoded "
                "with. Choose another cache_folder, or delete that folder to encode anew."
            )
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError, RecursionError):
        content = None
    if not isinstance(content, dict) or type(content.get("format")) is not int:
        raise damaged(path)
    if content["format"] in range(OLDER):
        raise ValueError(
            f"{folder} was encoded by an earlier version of AnimateDiff Kit, which read some files "
            "otherwise. Choose another cache_folder, or delete that folder to encode anew."
        )
    return content


def read_manifest(folder: Path) -> Manifest | None:
    """None where no cache has been begun. Raises ValueError when it is damaged, gone or of another
    version."""
    content = read_json(folder)
    if content is None:
        return None
    if content["format"] == OLDER:
        raise ValueError(
            f"{folder} was encoded by an earlier version of AnimateDiff Kit. Encode the clips into "
            "it again, or choose another cache_folder."
        )
    told = content.pop("checksum", None)
    if content.pop("format") != FORMAT or told != checksum({"format": FORMAT, **content}):
        raise damaged(folder / MANIFEST)
    try:
        clips = tuple(map(read_entry, content["clips"]))
        out, rates = tuple(content["left_out"]), tuple(map(float, content.get("rates", ())))
        return Manifest(content["vae"], content["clip"], clips, out, rates)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(folder / MANIFEST) from error


def damaged(path: Path) -> ValueError:
    return ValueError(
        f"{path} is damaged or of a later version. Choose another cache_folder, or delete that "
        "folder to encode anew."
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Raises ValueError where it cannot be written."""
    content = manifest.written()
    try:
        with named_errors(folder):
            write_atomic(folder / MANIFEST, lambda beside: beside.write_bytes(content))
    except WriteError as error:
        raise ValueError(f"{error} Choose another cache_folder, or make room.") from error
