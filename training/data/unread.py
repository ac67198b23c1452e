"""What of a folder is no clip, though it looks like one: said once in the log."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import av
from PIL import Image

from ..files.names import in_unicode
from .kinds import IMAGES, VIDEOS

log = logging.getLogger(__name__)

MORE = (".heic", ".heif", ".jxl", ".exr", ".hdr", ".dpx", ".svg", ".psd")
"""Videos and pictures that neither FFmpeg, nor Pillow, nor every machine's table of types knows."""

NEITHER = frozenset(
    ".txt .nfo .asc .ans .diz .ice .art .vt .rt .sub .idx .sup .stl .srt .ass .vtt .smi .sami .scc "
    ".mcc .aqt .pjs .mpl2 .mks .pdf .h5 .hdf .grib .bufr .bit .dat .cgi .v .al .ul".split()
)
"""Texts, subtitles and data, of which FFmpeg or Pillow read some."""


def name_the_unread(entries: Sequence[Path], folder: Path) -> None:
    """Say once which videos and pictures of a folder are of kinds that are not read."""
    left = [entry for entry in entries if is_unread(entry)]
    if left:
        kinds = sorted({entry.suffix.lower() for entry in left})
        log.warning(
            "%d files of kinds that are not read (%s) are left out: %s.",
            len(left),
            ", ".join(kinds),
            names_of(left, folder),
        )


def name_the_loose(images: Sequence[Path], folder: Path) -> None:
    """Say once which images are in no clip, since they lie beside videos or in the source
    itself."""
    if images:
        log.warning(
            "%d images are left out, since they lie beside videos or not in a sub-folder: %s. Put "
            "the images of a clip into a folder of its own.",
            len(images),
            names_of(images, folder),
        )


def name_the_refused(folders: Sequence[Path], folder: Path) -> None:
    """Say once which folders below a folder may not be looked into."""
    if folders:
        log.warning(
            "%d folders are left out, since their permissions do not let this user look into "
            "them: %s.",
            len(folders),
            names_of(folders, folder),
        )


def names_of(entries: Sequence[Path], folder: Path) -> str:
    """The first three, and how many more."""
    names = [in_unicode(entry.relative_to(folder).as_posix()) for entry in entries[:3]]
    more = len(entries) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def is_unread(entry: Path) -> bool:
    return shows_something(entry.suffix.lower()) and entry.is_file()


def shows_something(suffix: str) -> bool:
    """Whether files with this ending are videos or pictures, of which none is read."""
    if not suffix or suffix in NEITHER or suffix in (*VIDEOS, *IMAGES):
        return False
    kind = mimetypes.guess_type(f"x{suffix}")[0] or ""
    if kind.startswith(("audio/", "text/")):
        return False
    return suffix in MORE or kind.startswith(("video/", "image/")) or suffix in known_endings()


@cache
def known_endings() -> frozenset[str]:
    """Of all that Pillow and FFmpeg can open, sounds among them."""
    Image.init()
    containers = (av.ContainerFormat(name) for name in av.formats_available)
    found = {f".{ending}" for one in containers if one.is_input for ending in one.extensions}
    return frozenset({*Image.registered_extensions(), *found})
