"""GLIGEN in a call with all frames of a long video, whose layers run over them in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

Patch = Callable[[Tensor, dict[str, Any]], Tensor]


class GligenInParts:
    """A GLIGEN model, as core asks it for its patch, for frames that share their boxes.

    Core wants the boxes repeated for every frame of the call; the attention layers get as many as
    the part has frames.
    """

    def __init__(self, gligen: Any) -> None:
        self.gligen = gligen

    @property
    def model(self) -> GligenInParts:
        return self

    def set_position(self, shape: Any, boxes: Any, device: Any) -> Patch:
        model = self.gligen.model
        return in_parts(lambda frames: model.set_position([frames, *shape[1:]], boxes, device))

    def set_empty(self, shape: Any, device: Any) -> Patch:
        model = self.gligen.model
        return in_parts(lambda frames: model.set_empty([frames, *shape[1:]], device))


def in_parts(patch_for: Callable[[int], Patch]) -> Patch:
    """A patch of attention layers that is made once for each size of a part."""
    made: dict[int, Patch] = {}

    def patch(x: Tensor, options: dict[str, Any]) -> Tensor:
        """x: (b l) n c -> (b l) n c"""
        frames = x.shape[0]
        if frames not in made:
            made[frames] = patch_for(frames)
        return made[frames](x, options)

    return patch
