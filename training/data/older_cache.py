"""Caches of format 2, which knew a set of clips as a whole: their clips get keys of their own.

    manifest.json     vae, clip: as now;   clips: their number;   description: of the set
    latents-*         latents.<clip's number>;   records {clip, name, caption} or {clip, skipped}
    texts-*           <hash of the caption>.embedding, .pooled;   records {caption}

Each shard is written anew under its name, whole or not at all, the manifest last: what is stopped
goes on where it was. Where the set's files or settings differ, nobody can tell which of its clips
are the same, for it knew no more of a file than its size and date; such a cache is refused. A
camera's windows were drawn by a clip's number then; those are kept, for they are as good as others.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..files.fingerprints import differences
from .cache_identity import OLDER, Identity, manifest_of, read_json, write_manifest
from .records import (
    CHECKSUMS,
    RECORDS,
    checksum,
    is_clip,
    is_text,
    latents_key,
    metadata_of,
    weighed_text_key,
)
from .shards import damaged, shard_files, write_file
from .walk import stop_if_asked

Renamed = tuple[dict[str, Any], dict[str, str]]
"""A record as it is now, and the new name of each old one."""


def is_older(folder: Path) -> bool:
    """Whether it holds a cache that `upgrade` is for. Raises ValueError for one without checksums,
    and for a manifest that is damaged or gone."""
    content = read_json(folder)
    return content is not None and content["format"] == OLDER


def upgrade(folder: Path, identity: Identity) -> None:
    """Give an older cache's clips and texts their keys. The caller has locked the folder. Raises
    ValueError for a cache of other clips, settings or VAE, which stays as it is."""
    then = read_json(folder) or {}
    now = {"vae": identity.vae, "clips": len(identity.clips), **comparable(identity.description)}
    was = {"vae": then.get("vae"), "clips": then.get("clips")}
    found = list(differences({**was, **comparable(then.get("description"))}, now))
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise ValueError(
            f"{folder} was encoded by an earlier version of AnimateDiff Kit, from other clips; "
            f"what differs: {', '.join(found[:3])}{more}. Choose another cache_folder, or delete "
            "that folder to encode anew."
        )

    def renamed_clip(record: dict[str, Any]) -> Renamed:
        key = identity.clips[record["clip"]].key
        if "skipped" in record:
            return {"key": key, "skipped": record["skipped"]}, {}
        return {"key": key}, {f"latents.{record['clip']}": latents_key(key)}

    def renamed_text(record: dict[str, Any]) -> Renamed:
        caption, clip = record["caption"], str(then["clip"])
        old = hashlib.sha256(caption.encode()).hexdigest()[:32]
        parts = ("embedding", "pooled")
        names = {f"{old}.{part}": weighed_text_key(caption, clip, part) for part in parts}
        return {"caption": caption, "clip": clip}, names

    for path in shard_files(folder, "latents"):
        rewrite(path, renamed_clip, is_clip)
    for path in shard_files(folder, "texts"):
        rewrite(path, renamed_text, is_text)
    write_manifest(folder, manifest_of(identity))


def comparable(description: Any) -> dict[str, Any]:
    """Without what makes no difference to pixels: where the source lies, and captions."""
    if not isinstance(description, dict):
        return {"description": description}
    kept = {k: v for k, v in description.items() if k not in ("source", "caption")}
    files = kept.get("files")
    if isinstance(files, list):
        kept["files"] = [
            {k: v for k, v in file.items() if k != "caption"} if isinstance(file, dict) else file
            for file in files
        ]
    return kept


def rewrite(
    path: Path,
    renamed: Callable[[dict[str, Any]], Renamed],
    is_new: Callable[[Any, set[str]], bool],
) -> None:
    """One shard, but for one that is as it should be already."""
    stop_if_asked()
    try:
        records, tensors = read_older(path)
        if all(is_new(record, set(tensors)) for record in records):
            return
        changed = [renamed(record) for record in records]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, IndexError) as error:
        raise damaged(path) from error
    names = {old: new for _, names in changed for old, new in names.items()}
    kept = {names[key]: tensor for key, tensor in tensors.items()}
    write_file(path, save(kept, metadata_of([record for record, _ in changed], kept)))


def read_older(path: Path) -> tuple[list[Any], dict[str, Tensor]]:
    """A shard of either format. Raises ValueError where a checksum of the older differs; those of
    the present one are looked at by who reads it."""
    with safe_open(str(path), "pt") as file:  # pyright: ignore
        metadata = file.metadata() or {}
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    written, sums = metadata[RECORDS], json.loads(metadata[CHECKSUMS])
    if sums["records"] != zlib.crc32(written.encode()):
        raise damaged(path)
    for key, told in sums["tensors"].items():
        if isinstance(told, int) and told != checksum(tensors[key]):
            raise damaged(path)
    return json.loads(written), tensors
