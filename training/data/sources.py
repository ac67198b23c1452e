"""Finding training clips on disk: videos and image sequences below a folder, or WebVid's CSV."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.names import in_unicode
from ..files.text import read_text
from .kinds import IMAGES, VIDEOS, is_video, name_the_unread
from .tables import rows

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A video or animation, or a folder that holds the images of one clip.

    name: its path below the source folder.   written: its caption, or the text file that holds
    it, which is called `caption_place` in messages.
    """

    path: Path
    name: str
    written: str | Path | None
    caption_place: str

    def caption(self) -> str | None:
        """The caption that is written beside it, None without one. Raises ValueError for a file
        that is no text."""
        if not isinstance(self.written, Path):
            return self.written
        try:
            return " ".join(read_text(self.written, self.caption_place).split())
        except OSError as error:
            raise ValueError(
                f"{self.caption_place} cannot be read ({error.strerror or error})."
            ) from error

    def images(self) -> list[Path]:
        """The images of a sequence, 2 before 10; empty for a video."""
        return images_in(self.path) if self.path.is_dir() else []

    def is_animation(self) -> bool:
        return self.path.suffix.lower() in IMAGES and not self.path.is_dir()

    def state(self) -> dict[str, Any]:
        """What tells that the file is another one than before."""
        files = self.images() or [self.path]
        stats = [file.stat() for file in files]
        return {
            "file": self.name,
            "bytes": sum(stat.st_size for stat in stats),
            "modified": max(stat.st_mtime_ns for stat in stats),
            "images": len(files) if self.path.is_dir() else 0,
        }


def find_sources(source: Path) -> list[Source]:
    """All clips of a folder, sub-folders included, or of a CSV, in a fixed order.

    Raises ValueError when there is no such place, or nothing in it.
    """
    if source.is_dir():
        found = in_folder(source)
    elif source.suffix.lower() == ".csv" and source.is_file():
        found = in_table(source)
    else:
        raise ValueError(
            f"{source} is no folder and no CSV file. Set source to the folder that holds the "
            "videos, or to a CSV with the columns videoid, name, page_dir."
        )
    if not found:
        loose = (
            " The images of each clip belong in a sub-folder of it." if images_in(source) else ""
        )
        raise ValueError(
            f"No clips lie in {source}: looked for {', '.join(VIDEOS)} and for sub-folders of "
            f"images ({', '.join(IMAGES)}). Put some there, or choose another source.{loose}"
        )
    return found


def in_folder(folder: Path) -> list[Source]:
    """Videos and animations at any depth, and sub-folders that hold images but none of these."""
    entries = [entry for entry in sorted(folder.rglob("*")) if not hidden(entry, folder)]
    videos = [entry for entry in entries if is_video(entry)]
    name_the_unread(entries, folder)
    with_videos = {video.parent for video in videos}
    sequences = [
        entry
        for entry in entries
        if entry.is_dir() and entry not in with_videos and images_in(entry)
    ]
    return [beside_text(entry, folder) for entry in sorted([*videos, *sequences])]


def hidden(entry: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in entry.relative_to(folder).parts)


def beside_text(entry: Path, folder: Path) -> Source:
    """A clip whose caption is in the .txt of its name; a sequence's lies beside its folder."""
    stem = entry.name if entry.is_dir() else entry.stem
    text = entry.with_name(f"{stem}.txt")
    name, place = (in_unicode(path.relative_to(folder).as_posix()) for path in (entry, text))
    return Source(entry, name, text if text.is_file() else None, place)


def images_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    entries = (e for e in folder.iterdir() if e.suffix.lower() in IMAGES and e.name[0] != ".")
    images = (entry for entry in entries if entry.is_file())
    return sorted(images, key=lambda path: natural(path.name))


def natural(name: str) -> list[tuple[int, str]]:
    """A key that puts frame 2 before frame 10."""
    return [(int(p), "") if p.isdigit() else (-1, p) for p in re.split(r"([0-9]+)", name)]


def in_table(table: Path) -> list[Source]:
    """The rows of a CSV in WebVid's columns whose video is there: {videoid}.mp4 beside the CSV, or
    in the folder page_dir beside it. Raises ValueError when none is."""
    found: list[Source] = []
    missing: list[Path] = []
    for line, row in rows(table):
        names = [f"{row['videoid']}.mp4"]
        if row.get("page_dir"):
            names.append(f"{row['page_dir']}/{row['videoid']}.mp4")
        video = next((name for name in names if is_there(table.parent / name)), None)
        if video is None:
            missing.append(table.parent / names[-1])
            continue
        caption = " ".join((row["name"] or "").split())
        place = f"the column name of {table.name}, line {line},"
        found.append(Source(table.parent / video, video, caption, place))
    if missing and not found:
        raise ValueError(
            f"None of the {len(missing)} videos of {table.name} is there; the first would be "
            f"{missing[0]}. Put them beside the CSV as videoid.mp4, or into page_dir folders."
        )
    if missing:
        log.warning(
            "%d of the %d videos of %s are not there and are left out; the first is %s.",
            len(missing),
            len(missing) + len(found),
            table.name,
            missing[0],
        )
    return found


def is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a name that is too long for the disk
        return False


def state_of(source: Path) -> str:
    """A hash of the names, sizes and dates of all that a source reads, captions included; equal
    while nothing has changed."""
    if source.is_dir():
        files = sorted(path for path in source.rglob("*") if path.is_file())
    elif source.is_file():
        files = [source, *(found.path for found in in_table(source))]
    else:
        files = []
    digest = hashlib.sha256(os.fsencode(source))
    for file in files:
        stat = file.stat()
        digest.update(os.fsencode(file) + f"\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
