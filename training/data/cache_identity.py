"""The identity of a cache of encoded clips: what every number in it hangs on.

It lies beside the shards as manifest.json, and is checked before anything is added to them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.atomic import write_if_none
from ..files.fingerprints import differences, digest_of, weights_digest
from .clips import ClipSet
from .shards import WriteError, named_errors
from .walk import stop_if_asked

MANIFEST = "manifest.json"
FORMAT = 2
"""1 was without checksums, and some of its videos and texts were read otherwise: turned, with other
colours, in another encoding. So its clips are encoded anew."""


@dataclass(frozen=True)
class Identity:
    """What decides every number of a cache."""

    vae: str
    clip: str
    clips: int
    description: dict[str, Any]

    def manifest(self) -> dict[str, Any]:
        return {"format": FORMAT, **vars(self)}

    @property
    def fingerprint(self) -> str:
        return digest_of(self.manifest())


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
    description = json.loads(json.dumps(clips.description()))
    return Identity(weights_digest(vae.patcher, stop_if_asked), text, len(clips), description)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """None where no cache has been begun. Raises ValueError when it is damaged or gone."""
    path = folder / MANIFEST
    if not path.exists():
        if any(folder.glob("*-*.safetensors")):
            raise ValueError(
                f"{folder} has lost its {MANIFEST}, so nobody knows what its clips were encoded "
                "with. Choose another cache_folder, or delete that folder to encode anew."
            )
        return None
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError, RecursionError):
        manifest = None
    if isinstance(manifest, dict) and manifest.get("format") in range(FORMAT):
        raise ValueError(
            f"{folder} was encoded by an earlier version of AnimateDiff Kit, which read some files "
            "otherwise. Choose another cache_folder, or delete that folder to encode anew."
        )
    if not is_manifest(manifest):
        raise ValueError(
            f"{path} is damaged or of a later version. Choose another cache_folder, or delete that "
            "folder to encode anew."
        )
    return manifest


def is_manifest(content: Any) -> bool:
    """Whether it is what `Identity.manifest` gives."""
    kinds = {"format": int, "vae": str, "clip": str, "clips": int, "description": dict}
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return False
    return all(type(content.get(key)) is kind for key, kind in kinds.items())


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    content = json.dumps(manifest, indent=1).encode()
    try:
        with named_errors(folder):
            write_if_none(folder / MANIFEST, lambda beside: beside.write_bytes(content))
    except WriteError as error:
        raise ValueError(f"{error} Choose another cache_folder, or make room.") from error


def begin(folder: Path, identity: Identity) -> None:
    """Write the manifest, or check the one that is there, be it that another process has just
    written it. Raises ValueError."""
    manifest = identity.manifest()
    if read_manifest(folder) is None:
        write_manifest(folder, manifest)
    there = read_manifest(folder)
    if there != manifest:
        found = list(differences(there, manifest))
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise ValueError(
            f"{folder} holds clips that were encoded otherwise; what differs: "
            f"{', '.join(found[:3])}{more}. Choose another cache_folder, or delete that folder to "
            "encode anew."
        )
