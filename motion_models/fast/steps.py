"""The steps of a motion module, and what they share in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from ..call import Call
from ..modules import TemporalTransformer
from .scratch import Scratch
from .weights import Weights


@dataclass(frozen=True)
class Pass:
    """A module in one call.   weights: of its layers; scratch: memory for wide tensors; call: of
    the UNet"""

    call: Call
    weights: Weights
    scratch: Scratch


class Steps(Protocol):
    """The steps over a part of a map's pixels, in their order. y: (b f) p c are its tokens, to
    which attention and feed-forward add what they make, in place.

    keeps_weights: whether weights of several layers are used at once, so that each is to stay
    """

    keeps_weights: bool

    def __init__(self, transformer: TemporalTransformer, x: Tensor, here: Pass) -> None:
        """x: the map, (b f) c h w"""
        ...

    def enter(self, part: slice, y: Tensor) -> None:
        """y = the first layer of the normalised pixels of the part."""
        ...

    def attend(self, attention: Any, norm: Any, y: Tensor) -> None:
        """Self-attention over the frames of each pixel, behind its norm."""
        ...

    def feed_forward(self, block: Any, y: Tensor) -> None:
        """GEGLU feed-forward, behind its norm."""
        ...

    def leave(self, y: Tensor, before: Tensor, after: Tensor) -> None:
        """after = before + strength * the last layer.   before, after: (b f) c p"""
        ...


def positions(encoder: Any, call: Call) -> Tensor:
    """A row for each frame of a video.   f 1 c"""
    table = call.positions[encoder.name] if encoder.name in call.positions else encoder.pe
    return table[0, : call.frames, None]
