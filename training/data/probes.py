"""What is known of a source before it is decoded: how many frames it has, a hash of its content.

It is remembered, for to find it out every file has to be read."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from pathlib import Path
from typing import Any, NamedTuple

from ..files.atomic import write_atomic
from .animations import animation_times, count_animation
from .clips import UnreadableClip
from .content import END, content_of
from .medium import told_apart
from .read_ahead import ahead
from .source_state import stamp_of
from .sources import Source
from .videos import frame_times, name_hdr
from .walk import stop_if_asked

log = logging.getLogger(__name__)

PROBES = "probes.json"


class Probe(NamedTuple):
    """content: a hash of the source's pixels, of most videos as far as their ends show them;
    neither path nor date are in it.   curve: of an HDR video's brightness, which is told; else
    empty
    milliseconds: from the first frame's time stamp to the last's; 0 for images, which have none"""

    frames: int
    content: str
    curve: str = ""
    milliseconds: int = 0


class Probes:
    """Remembers probes in a JSON file by path and state; without a file it remembers nothing.
    A file that is none, or cannot be written, makes no difference but of time."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.known: dict[str, list[Any]] = read(file) if file else {}
        self.is_changed = False

    def of(self, source: Source) -> Probe:
        """Raises UnreadableClip and MediumError. Several threads may ask."""
        with told_apart(source.name, source.files):
            return self._of(source)

    def _of(self, source: Source) -> Probe:
        if self.file is None:
            return probe(source)
        key, state = os.path.abspath(source.path), state_of(source)
        try:
            state_then, *then = self.known[key]
            if state_then == state:
                return Probe(int(then[0]), str(then[1]), str(then[2]), int(then[3]))
        except (KeyError, TypeError, ValueError, IndexError):
            pass
        found = probe(source)
        self.known[key] = [state, *found]
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


def state_of(source: Source) -> str:
    """A hash of name, size and dates of each of its files, in their order. Raises OSError for a
    file that is gone."""
    digest = hashlib.sha256()
    for file in source.files():
        digest.update(os.fsencode(file.name) + stamp_of(file))
    return digest.hexdigest()[:32]


def probe(source: Source) -> Probe:
    """Raises UnreadableClip, and what the system says."""
    images = source.images()
    if images:
        return Probe(len(images), content_of(images))
    return probe_animation(source) if source.is_animation() else probe_video(source)


def probe_animation(source: Source) -> Probe:
    frames = count_animation(source.path, source.name)
    check_count(source, frames)
    length = milliseconds(still_or_times(source)) if frames > 1 else 0
    return Probe(frames, content_of([source.path]), "", length)


def probe_video(source: Source) -> Probe:
    curves: list[str] = []
    sizes: set[int] = set()
    times = frame_times(source.path, source.name, lambda name, curve: curves.append(curve), sizes)
    check_count(source, len(times))
    # Frames that all have one size are not compressed, or to that size (DV): one that is drawn anew
    # changes neither the file's size nor its ends.
    ends = END if len(sizes) > 1 else None
    content = content_of([source.path], ends)
    return Probe(len(times), content, "".join(curves), milliseconds(times))


def check_count(source: Source, frames: int) -> None:
    if frames < 1:
        raise UnreadableClip(f"{source.name} holds no frames.")


def still_or_times(source: Source) -> list[float]:
    """No times of an animation that is damaged, which is told when a clip of it is read."""
    try:
        with told_apart(source.name, source.files):
            return animation_times(source.path, source.name)
    except UnreadableClip:
        return []


def milliseconds(times: list[float]) -> int:
    return math.ceil(1000 * times[-1]) if times else 0


def probe_all(sources: list[Source], probes: Probes) -> dict[Source, Probe]:
    """What is known of each source that can be opened; the others are named in a warning, as are
    those in HDR. Raises ValueError when none can, and MediumError where nobody knows."""

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
