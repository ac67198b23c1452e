"""Captions of training clips: where they come from, and what a mirror does to them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from ..files.names import in_unicode
from .bad_share import is_share, names_of
from .sources import Source

log = logging.getLogger(__name__)

SIDECAR, FILE_NAME, FIXED, LINES = "sidecar", "file name", "fixed caption", "sidecar lines"
CAPTIONS = (SIDECAR, FILE_NAME, FIXED, LINES)

SIDES = re.compile(
    r"\b(?:(?P<side>left|right)(?=\b|ward|most|hand)"
    r"|(?P<turn>(?:anti|counter)-?clockwise|clockwise)\b)",
    re.IGNORECASE,
)
OPPOSITES = {"left": "right", "right": "left", "clockwise": "anticlockwise"}


def captions_of(sources: Sequence[Source], mode: str, caption: str) -> list[str | None]:
    """One caption a source; None for a few of many that have none, which are named in a warning.
    Raises ValueError where it is no text, and where more have none, naming the first such file.

    "sidecar lines" gives one text with a line for each of a clip's captions."""
    if mode == FIXED:
        if not caption.strip():
            raise ValueError(
                "captions is 'fixed caption', but caption is empty. Write what the clips show."
            )
        return [caption.strip()] * len(sources)
    if mode == FILE_NAME:
        check_names(sources)
        return [spoken(source) for source in sources]
    if mode not in (SIDECAR, LINES):
        raise ValueError(f"{mode!r} is no way to caption; choose one of {', '.join(CAPTIONS)}.")
    written = [source.caption(by_lines=mode == LINES) for source in sources]
    without = [s for s, caption in zip(sources, written, strict=True) if not caption]
    if is_share(len(without), len(sources)):
        log.warning(
            "%d of %d clips have no caption and are left out: %s.",
            len(without),
            len(sources),
            names_of([source.name for source in without]),
        )
    elif without:
        raise ValueError(
            f"{without[0].name} has no caption: {without[0].caption_place} is missing or empty "
            f"({len(without)} of {len(sources)} clips lack theirs). Write what the clip shows "
            "there, or set captions to 'file name' or 'fixed caption'."
        )
    return [caption or None for caption in written]


def choices_of(written: str, mode: str, trigger: str) -> tuple[str, ...]:
    """A clip's captions, of which each epoch draws one, behind the trigger's words."""
    found = dict.fromkeys(written.split("\n") if mode == LINES else [written])
    before = f"{trigger.strip()}, " if trigger.strip() else ""
    return tuple(f"{before}{caption}" for caption in found)


def check_names(sources: Sequence[Source]) -> None:
    """Raise ValueError for a file whose name holds bytes that are no character."""
    bad = [source.name for source in sources if in_unicode(source.path.name) != source.path.name]
    if bad:
        raise ValueError(
            f"The name of {bad[0]} is not written in UTF-8, so its words cannot be a caption "
            f"({len(bad)} of {len(sources)} clips have such names). Rename it, or set captions to "
            "'sidecar'."
        )


def spoken(source: Source) -> str:
    """A file's name as words: red_car-01.mp4 -> red car 01; of a folder's all of it."""
    name = Path(source.name)
    named = name.name if source.path.is_dir() else name.stem
    return " ".join(re.split(r"[\s_-]+", named)).strip()


def mirrored(caption: str) -> str:
    """The caption of the mirrored clip: left for right, clockwise for anticlockwise."""

    def opposite(match: re.Match[str]) -> str:
        word = match[0]
        swapped = OPPOSITES.get(word.lower(), "clockwise")
        if word.isupper():
            return swapped.upper()
        return swapped.capitalize() if word[0].isupper() else swapped

    return SIDES.sub(opposite, caption)
