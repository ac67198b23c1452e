"""Finding training clips on disk: videos and image sequences below a folder, or WebVid's CSV."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files.names import in_unicode
from ..files.text import read_text
from .kinds import IMAGES, VIDEOS, is_still, is_video
from .medium import named_medium_error
from .tables import rows
from .unread import name_the_loose, name_the_refused, name_the_unread
from .walk import MayRead, anything, raise_unless_refused, stop_if_asked, walk

log = logging.getLogger(__name__)

CAPTION_BYTES = 100_000
"""Of a caption's file: some 20,000 letters of any alphabet and encoding, where CLIP reads 77 tokens
at a time."""


@dataclass(frozen=True)
class Source:
    """A video or animation, or a folder that holds the images of one clip.

    name: its path below the source folder.   written: its caption, or the text file that holds
    it, which is called `caption_place` in messages.   may_read: asked before a file is opened.
    """

    path: Path
    name: str
    written: str | Path | None
    caption_place: str
    may_read: MayRead = field(default=anything, compare=False, repr=False)

    def caption(self, by_lines: bool = False) -> str | None:
        """The caption that is written beside it, None without one. Raises ValueError for a file
        that is no text.   by_lines: keep the file's lines apart, but for empty ones"""
        if not isinstance(self.written, Path):
            return self.written
        self.may_read(self.written)
        try:
            size = self.written.stat().st_size
            if size > CAPTION_BYTES:
                raise ValueError(
                    f"{self.caption_place} has {size:,} bytes, and a caption {CAPTION_BYTES:,} at "
                    "most. Write what the clip shows in a few sentences."
                )
            text = read_text(self.written, self.caption_place)
            lines = [" ".join(line.split()) for line in text.splitlines()]
            return ("\n" if by_lines else " ").join(line for line in lines if line)
        except OSError as error:
            raise ValueError(
                f"{self.caption_place} cannot be read ({error.strerror or error})."
            ) from error

    def images(self) -> list[Path]:
        """The images of a sequence, 2 before 10; empty for a video."""
        self.may_read(self.path)
        images = images_in(self.path)
        for image in images:
            self.may_read(image)
        return images

    def files(self) -> list[Path]:
        """All that its pixels are read from, in their order."""
        return self.images() or [self.path]

    def is_animation(self) -> bool:
        return self.path.suffix.lower() in IMAGES and not self.path.is_dir()

    def state(self) -> dict[str, Any]:
        """What tells that the file is another one than before."""
        files = self.files()
        stats = [file.stat() for file in files]
        return {
            "file": self.name,
            "bytes": sum(stat.st_size for stat in stats),
            "modified": max(stat.st_mtime_ns for stat in stats),
            "images": len(files) if self.path.is_dir() else 0,
        }


def find_sources(source: Path, may_read: MayRead = anything, images: bool = False) -> list[Source]:
    """All clips of a folder, sub-folders included, or of a CSV, in a fixed order; or each picture
    that lies in the folder, where `images` is set.

    may_read: raises ValueError for what is not to be read; asked before a file is looked at, of
    places as they are written, links and all. Raises ValueError when there is no such place, or
    nothing in it, and MediumError where the disk fails.
    """
    try:
        return sources_in(source, may_read, images)
    except OSError as error:
        raise named_medium_error(source, error) from error


def sources_in(source: Path, may_read: MayRead, images: bool) -> list[Source]:
    may_read(source)
    if images:
        return stills_in(source, may_read)
    if source.is_dir():
        found = in_folder(source, may_read)
    elif source.suffix.lower() == ".csv" and source.is_file():
        found = in_table(source, may_read)
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


def in_folder(folder: Path, may_read: MayRead) -> list[Source]:
    """Videos and animations at any depth, and sub-folders that hold images but none of these. What
    else looks like a video or a picture is named in a warning."""
    entries = entries_in(folder, may_read)
    videos = [entry for entry in entries if paused(is_video, entry)]
    name_the_unread(entries, folder)
    with_videos = {video.parent for video in videos}
    sequences = [
        entry for entry in entries if entry not in with_videos and paused(images_in, entry)
    ]
    found = sorted([*videos, *sequences])
    if found:
        clips = {*videos, *sequences}
        name_the_loose([e for e in entries if is_loose(e, clips)], folder)
    return [beside_text(entry, folder, may_read) for entry in found]


def stills_in(folder: Path, may_read: MayRead) -> list[Source]:
    """Each picture at any depth that does not move. Raises ValueError where there is none."""
    entries = entries_in(folder, may_read) if folder.is_dir() else []
    found = sorted(entry for entry in entries if paused(is_still, entry))
    if not found:
        raise ValueError(
            f"No images lie in {folder}: looked for {', '.join(IMAGES)}. Put some there, choose "
            "another source, or turn images off for videos."
        )
    return [beside_text(entry, folder, may_read) for entry in found]


def entries_in(folder: Path, may_read: MayRead) -> list[Path]:
    """All files and folders below it, but for folders that are refused: a warning names them."""
    refused: list[Path] = []

    def note(error: OSError) -> None:
        raise_unless_refused(error)
        refused.append(Path(error.filename))

    entries = walk(folder, may_read, on_error=note)
    name_the_refused(refused, folder)
    return [entry for entry in entries if entry not in refused]


def paused(ask: Callable[[Path], Any], entry: Path) -> Any:
    """What `ask` says of the entry, unless Cancel was pressed."""
    stop_if_asked()
    return ask(entry)


def is_loose(entry: Path, clips: set[Path]) -> bool:
    """Whether an entry is an image that is no clip, and no part of one."""
    image = entry.suffix.lower() in IMAGES and entry not in clips and entry.parent not in clips
    return image and entry.is_file()


def beside_text(entry: Path, folder: Path, may_read: MayRead) -> Source:
    """A clip whose caption is in the .txt of its name; a sequence's lies beside its folder."""
    stem = entry.name if entry.is_dir() else entry.stem
    text = entry.with_name(f"{stem}.txt")
    name, place = (in_unicode(path.relative_to(folder).as_posix()) for path in (entry, text))
    return Source(entry, name, text if text.is_file() else None, place, may_read)


def images_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    entries = (e for e in folder.iterdir() if e.suffix.lower() in IMAGES and e.name[0] != ".")
    images = (entry for entry in entries if entry.is_file())
    return sorted(images, key=lambda path: natural(path.name))


def natural(name: str) -> list[tuple[int, str]]:
    """A key that puts frame 2 before frame 10."""
    return [(int(p), "") if p.isdigit() else (-1, p) for p in re.split(r"([0-9]+)", name)]


def in_table(
    table: Path, may_read: MayRead, pause: Callable[[], None] = stop_if_asked
) -> list[Source]:
    """The rows of a CSV in WebVid's columns whose video is there: {videoid}.mp4 beside the CSV, or
    in the folder page_dir beside it. Raises ValueError when none is, and what `may_read` raises of
    one."""
    found: list[Source] = []
    missing: list[Path] = []
    for line, row in rows(table):
        pause()
        names = [f"{row['videoid']}.mp4"]
        if row.get("page_dir"):
            names.append(f"{row['page_dir']}/{row['videoid']}.mp4")
        video = next((name for name in names if is_there(table.parent / name, may_read)), None)
        if video is None:
            missing.append(table.parent / names[-1])
            continue
        caption = " ".join((row["name"] or "").split())
        place = f"the column name of {table.name}, line {line},"
        found.append(Source(table.parent / video, video, caption, place, may_read))
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


def is_there(file: Path, may_read: MayRead) -> bool:
    may_read(file)
    try:
        return file.is_file()
    except ValueError:  # a name that holds a NUL
        return False
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return False
