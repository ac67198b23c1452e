"""Layers that stand in the UNet for one call: put in, and taken out again, in one place.

Between calls the UNet is the plain one that saving, LoRA keys, torch.compile and other packs
expect. Whatever changes it yields Placements: motion layers, norms across frames, the spatial parts
of views.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import nn


class Added(nn.Module):
    """A layer that stands behind the UNet's own.   x: (b f) c h w -> the same

    `forward_timestep_embed` calls a layer that it does not know as `layer(x)`.
    """


@dataclass(frozen=True)
class Placement:
    """A layer and its place for one call.

    parent: the module that holds it; key: its name there; behind: the name of the parent's child
    that it stands behind, and behind whatever was added there before. Without `behind` it takes the
    place of the child of its own name.
    """

    parent: nn.Module
    key: str
    layer: nn.Module
    behind: str | None = None

    def put(self) -> nn.Module | None:
        """Put the layer in; returns what stood in its place."""
        if self.behind is None:
            before = self.parent._modules[self.key]
            self.parent._modules[self.key] = self.layer
            return before
        children = list(self.parent._modules.items())
        index = [key for key, _ in children].index(self.behind) + 1
        while index < len(children) and isinstance(children[index][1], Added):
            index += 1
        # a name that is no number moves none of the sequence's own
        children.insert(index, (self.key, self.layer))
        self.parent._modules.clear()
        self.parent._modules.update(children)
        return None

    def take_out(self, before: nn.Module | None) -> None:
        """As it was, with what `put` returned."""
        if before is None:
            del self.parent._modules[self.key]
        else:
            self.parent._modules[self.key] = before


@contextmanager
def placed(placements: Iterable[Placement]) -> Iterator[None]:
    """The layers stand in their places inside, and are out again after it, whatever happens.

    `placements` may be a generator, which then sees the UNet with the earlier layers in it.
    """
    done: list[tuple[Placement, nn.Module | None]] = []
    try:
        for placement in placements:
            done.append((placement, placement.put()))
        yield
    finally:
        for placement, before in reversed(done):
            placement.take_out(before)
