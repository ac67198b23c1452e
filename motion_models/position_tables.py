"""Which rows of the position table the frames are given: shifted, cut, or stretched.

A motion model tells its frames apart by a table of positions, one row a frame. Row k can be taken
from elsewhere: frames that begin behind the first row, and a table of other length, interpolated
between the rows of the model's own. A longer one takes more frames at once than the model was
trained with, and its motion is as much slower; a shorter one faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor
from torch.nn.functional import interpolate

from .specs import MotionSpec

ATTACHMENT = "animatediff_kit_positions"
"""Where a patcher of a motion model keeps them; clones have it too."""


@dataclass(frozen=True)
class PositionSettings:
    """The steps are taken in this order.

    offset: rows that are left away at the start; length: rows that are kept behind them, 0 for all;
    stretch_to: rows that these are interpolated to, 0 for none of it.
    """

    offset: int = 0
    length: int = 0
    stretch_to: int = 0

    def rows(self, positions: int, name: str) -> int:
        """Rows of the new table. Raises ValueError where the old one, of `positions`, has none for
        it."""
        left = positions - self.offset
        if min(self.offset, self.length, self.stretch_to) < 0 or left < 1 or self.length > left:
            raise ValueError(
                f"{name} has {positions} positions: from {self.offset} on there are "
                f"{max(0, left)}, of which {self.length or 'all'} cannot be kept. Lower offset or "
                "length."
            )
        return self.stretch_to or self.length or left

    def of(self, table: Tensor) -> Tensor:
        """table: 1 l c -> 1 m c

        Linear between rows, whose middles are spread evenly over the table's length; before the
        first and behind the last the row holds. So AnimateDiff-Evolved stretches tables: 16 rows
        stretched to 24 are those at 0, 0.5, 1.17, 1.83, ... 15.
        """
        kept = table[:, self.offset :]
        kept = kept[:, : self.length or kept.shape[1]]
        if self.stretch_to in (0, kept.shape[1]):
            return kept
        rows = kept.transpose(1, 2).float()
        stretched = interpolate(rows, self.stretch_to, mode="linear", align_corners=False)
        return stretched.transpose(1, 2).to(table)


def settings_of(patcher: Any) -> tuple[PositionSettings, ...]:
    """What was set on a patcher of a motion model, first to last."""
    return patcher.get_attachment(ATTACHMENT) or ()


def set_positions(patcher: Any, settings: PositionSettings) -> Any:
    """A clone of a motion model whose frames get other rows. Calls chain: the later sees the table
    of the earlier. Raises ValueError where the table has no such rows."""
    spec = spec_of(patcher)
    settings.rows(spec.positions, spec.name)
    changed = patcher.clone()
    changed.set_attachments(ATTACHMENT, (*settings_of(patcher), settings))
    return changed


def spec_of(patcher: Any) -> MotionSpec:
    """The motion model's spec, with the number of positions that its frames have."""
    spec: MotionSpec = patcher.model.spec
    for settings in settings_of(patcher):
        spec = replace(spec, positions=settings.rows(spec.positions, spec.name))
    return spec


def adjusted(patcher: Any, tables: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tables of a call, by layer, as set on the patcher; those that were one stay one."""
    made: dict[int, Tensor] = {}
    for table in tables.values():
        if id(table) not in made:
            new = table
            for settings in settings_of(patcher):
                new = settings.of(new)
            made[id(table)] = new
    return {name: made[id(table)] for name, table in tables.items()}
