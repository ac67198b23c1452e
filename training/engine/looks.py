"""What is seen of a run now and then: its loss on clips that are held out, and how its previews
move."""

from __future__ import annotations

import math
from dataclasses import dataclass

MOVES: dict[str, tuple[str, int]] = {
    # a move of the camera -> which component it is, and its sign
    "pan left": ("pan", 1),
    "pan right": ("pan", -1),
    "tilt up": ("tilt", 1),
    "tilt down": ("tilt", -1),
    "zoom in": ("zoom", 1),
    "zoom out": ("zoom", -1),
    "roll clockwise": ("roll", 1),
    "roll anticlockwise": ("roll", -1),
}


@dataclass(frozen=True)
class PreviewFigures:
    """How one preview moves, from its first frame to its last.

    pan: the content's way to the right, as a share of the width;   tilt: down, of the height;
    zoom: its growth as a factor;   roll: its turn in degrees, clockwise;   off_axis: the second
    strongest of these as a share of the strongest.   flow: pixels a frame;   warp_error: 0..1;
    flow_share, warp_share: the same as shares of the training clips' own. NaN is not known.
    """

    seed: int
    prompt: str
    pan: float
    tilt: float
    zoom: float
    roll: float
    off_axis: float
    flow: float
    warp_error: float
    flow_share: float = math.nan
    warp_share: float = math.nan

    def amount(self, move: str) -> float:
        """How far the camera goes by a move, below 0 where it goes the other way. Zooms are told
        by what the content grows by, those out by what it would have to grow by to be back."""
        component, sign = MOVES[move]
        if component == "zoom":
            return (self.zoom if sign > 0 else 1 / self.zoom) - 1
        return sign * getattr(self, component)


@dataclass(frozen=True)
class Look:
    """After a step, 1 the first.   held_out: the loss in each eighth of the noise schedule, the
    weakest noise first; empty where no clip is held out"""

    step: int
    held_out: tuple[float, ...] = ()
    previews: tuple[PreviewFigures, ...] = ()

    def held_out_loss(self) -> float:
        """The mean over all of the schedule; NaN where no clip is held out."""
        return math.fsum(self.held_out) / len(self.held_out) if self.held_out else math.nan
