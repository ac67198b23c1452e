"""Which clips are held out of training, so that the loss on them can be measured."""

from __future__ import annotations

import hashlib
import re

from .batches import Clips

PIECE = re.compile(r"( #\d+)?( \(mirrored\))?$")
"""What the clips of one video differ in by name."""

CUT = re.compile(r", clip \d+$")
"""What the clips that a camera cuts out of one picture differ in by name, behind that."""

PART = re.compile(r"^images (?P<first>\d+) to (?!(?P=first)\b)\d+")
"""What the clips of one batch of frames differ in by name; single images are pictures apart."""

BY_FILE = "file"


def source_of(name: str) -> str:
    """What a clip's name says that it is taken from. Clips of one source show the same things."""
    return PART.sub("images", PIECE.sub("", CUT.sub("", name)))


def sources_of(clips: Clips) -> list[str]:
    """Of each clip. Where all have one, as the parts of one batch, each is one of its own."""
    names = [clips.name(i) for i in range(len(clips))]
    found = [source_of(name) for name in names]
    return found if len({*found}) > 1 else [PIECE.sub("", name) for name in names]


def parted(clips: Clips, share: float, seed: int) -> tuple[list[int], list[int]]:
    """The clips that are shown and those held out: all clips of a source together, chosen by a hash
    of the seed and of its first clip's name. A source that is added moves none of the others.
    Raises ValueError where none is left to show, or none is held out though some should be."""
    everything = list(range(len(clips)))
    if not share:
        return everything, []
    sources = sources_of(clips)
    places: dict[str, float] = {}
    for i in everything:
        places.setdefault(sources[i], place_of(clips.name(i), seed))
    held = [i for i in everything if places[sources[i]] < share]
    shown = sorted({*everything} - {*held})
    if not held or not shown:
        what = "all" if held else "none"
        raise ValueError(
            f"Of {len(everything)} clips {what} are held out at a share of {share:g} and the seed "
            f"{seed}: all clips of a file are held out together, and files (here {len(places)}) "
            "are chosen by their names. Set held_out to another share, or use more files."
        )
    return shown, held


def chosen_by(clips: Clips, share: float) -> dict[str, str]:
    """What a run with held-out clips is known by beside their share, where earlier versions chose
    some clips of a source alone."""
    if not share:
        return {}
    names = {PIECE.sub("", clips.name(i)) for i in range(len(clips))}
    return {"held_out_by": BY_FILE} if len({*sources_of(clips)}) < len(names) else {}


def place_of(name: str, seed: int) -> float:
    """From 0 to below 1, even over names."""
    digest = hashlib.sha256(f"{seed} {PIECE.sub('', name)}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
