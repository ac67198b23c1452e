"""Which clips are held out of training, so that the loss on them can be measured."""

from __future__ import annotations

import hashlib
import re

from .batches import Clips

PIECE = re.compile(r"( #\d+)?( \(mirrored\))?$")
"""What the clips of one video differ in by name. They are held out together."""


def parted(clips: Clips, share: float, seed: int) -> tuple[list[int], list[int]]:
    """The clips that are shown and those held out, by a hash of the seed and of their files' names:
    a clip that is added moves none of the others. Raises ValueError where none is left to show, or
    none is held out though some should be."""
    everything = list(range(len(clips)))
    if not share:
        return everything, []
    held = [i for i in everything if place_of(clips.name(i), seed) < share]
    shown = sorted({*everything} - {*held})
    if not held or not shown:
        what = "all" if held else "none"
        raise ValueError(
            f"Of {len(everything)} clips {what} are held out at a share of {share:g} and the seed "
            f"{seed}: they are chosen by their names. Set held_out to another share, or use more "
            "clips."
        )
    return shown, held


def place_of(name: str, seed: int) -> float:
    """From 0 to below 1, even over names."""
    digest = hashlib.sha256(f"{seed} {PIECE.sub('', name)}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
