"""What is known of a source before it is decoded: how many frames it has, a hash of its content.

It is remembered, for to find it out every file has to be read."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ..files.atomic import write_atomic
from .animations import animation_times, count_animation
from .clips import UnreadableClip
from .read_ahead import ahead
from .sources import Source
from .videos import frame_times, name_hdr
from .walk import stop_if_asked

log = logging.getLogger(__name__)

PROBES = "probes.json"

END = 65536
"""Bytes of a file's head and of its tail that its hash is made of: in a container the tables that
say where each frame lies, and pictures. Its size is in the hash, too."""


class Probe(NamedTuple):
    """content: a hash of the source's pixels, as far as its files' ends show them; neither path nor
    date are in it.   curve: of an HDR video's brightness, which is told; else empty
    milliseconds: from the first frame's time stamp to the last's; 0 for images, which have none"""

    frames: int
    content: str
    curve: str = ""
    milliseconds: int = 0


class Probes:
    """Remembers probes in a JSON file by path, size and date; without a file it remembers nothing.
    A file that is none, or cannot be written, makes no difference but of time."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.known: dict[str, list[Any]] = read(file) if file else {}
        self.is_changed = False

    def of(self, source: Source) -> Probe:
        """Raises UnreadableClip. Several threads may ask."""
        if self.file is None:
            return probe(source)
        key, state = os.path.abspath(source.path), state_of(source)
        try:
            bytes_then, modified, images, *then = self.known[key]
            if [bytes_then, modified, images] == state:
                return Probe(int(then[0]), str(then[1]), str(then[2]), int(then[3]))
        except (KeyError, TypeError, ValueError, IndexError):
            pass
        found = probe(source)
        self.known[key] = [*state, *found]
        self.is_changed = True
        return found

    def save(self) -> None:
        if self.file is None or not self.is_changed:
            return
        content = json.dumps(self.known).encode()
        try:
            write_atomic(self.file, lambda beside: beside.write_bytes(content))
        except OSError as error:
            log.info("%s could not be written (%s).", self.file, error.strerror or error)
        self.is_changed = False


def read(file: Path) -> dict[str, list[Any]]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def state_of(source: Source) -> list[int]:
    """Raises UnreadableClip for a file that is gone."""
    try:
        state = source.state()
    except OSError as error:
        raise UnreadableClip(
            f"{source.name} cannot be read ({error.strerror or error})."
        ) from error
    return [state["bytes"], state["modified"], state["images"]]


def probe(source: Source) -> Probe:
    """Raises UnreadableClip."""
    images = source.images()
    frames, curve, length = (len(images), "", 0) if images else count(source)
    if frames < 1:
        raise UnreadableClip(f"{source.name} holds no frames.")
    try:
        return Probe(frames, content_of(images or [source.path]), curve, length)
    except OSError as error:
        raise UnreadableClip(
            f"{source.name} cannot be read ({error.strerror or error})."
        ) from error


def count(source: Source) -> tuple[int, str, int]:
    """Frames, the curve of an HDR video, and milliseconds."""
    if source.is_animation():
        frames = count_animation(source.path, source.name)
        return frames, "", milliseconds(still_or_times(source)) if frames > 1 else 0
    curves: list[str] = []
    times = frame_times(source.path, source.name, lambda name, curve: curves.append(curve))
    return len(times), "".join(curves), milliseconds(times)


def still_or_times(source: Source) -> list[float]:
    """No times of an animation that is damaged, which is told when a clip of it is read."""
    try:
        return animation_times(source.path, source.name)
    except UnreadableClip:
        return []


def milliseconds(times: list[float]) -> int:
    return math.ceil(1000 * times[-1]) if times else 0


def content_of(files: Iterable[Path]) -> str:
    """Of files in their order: each by its size, its head and its tail."""
    digest = hashlib.sha256()
    for path in files:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            digest.update(f"{size}\0".encode())
            file.seek(0)
            digest.update(file.read(END))
            if size > END:
                file.seek(max(END, size - END))
                digest.update(file.read(END))
    return digest.hexdigest()[:32]


def probe_all(sources: list[Source], probes: Probes) -> dict[Source, Probe]:
    """What is known of each source that can be opened; the others are named in a warning, as are
    those in HDR. Raises ValueError when none can."""

    def look(source: Source) -> Probe | UnreadableClip:
        try:
            return probes.of(source)
        except UnreadableClip as error:
            return error

    found: dict[Source, Probe] = {}
    first = None
    for source, one in zip(sources, ahead(look, sources), strict=True):
        stop_if_asked()
        if isinstance(one, UnreadableClip):
            first = first or one
            log.warning("%s It is left out.", one)
            continue
        if one.curve:
            name_hdr(source.name, one.curve)
        found[source] = one
    probes.save()
    if not found:
        raise ValueError(
            f"None of the {len(sources)} clips can be read: {first} Get the videos again, or "
            "convert them to .mp4."
        )
    return found
