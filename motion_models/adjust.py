"""A motion model with a stretched table of positions, or with weights that are scaled.

A module that is given more frames than it was trained on moves in slow motion where its rows of
positions are stretched over them: the first of them are taken, and values between them. Both are
done to a copy of the file that nobody else uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import comfy.utils
import torch
from torch import Tensor
from torch.nn import functional

from .compat import remember_loader
from .detect import AUTOMATIC
from .load import load_motion_model, motion_model, sort_out
from .read import read_weights

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

ATTENTION = "attention_blocks"

MOST_ROWS = 4096
"""Of a table that was stretched; a million of them would fill the memory."""

GROUPS: dict[str, Callable[[str], bool]] = {
    # which weights, by their names of the authors; position tables are those of "all" and "pe"
    "all": lambda name: True,
    "pe": lambda name: False,
    "attn": lambda name: ATTENTION in name,
    "attn_q": lambda name: name.endswith("to_q.weight"),
    "attn_k": lambda name: name.endswith("to_k.weight"),
    "attn_v": lambda name: name.endswith("to_v.weight"),
    "attn_out_weight": lambda name: name.endswith("to_out.0.weight"),
    "attn_out_bias": lambda name: name.endswith("to_out.0.bias"),
    "other": lambda name: ATTENTION not in name,
}


@dataclass(frozen=True)
class PositionSteps:
    """What is done to a table of positions, in this order; 0 leaves a step out.

    stretch: by so many rows; skip: leaves out the first rows; keep: the first so many of them;
    length: stretched to so many rows; skip_after: leaves out the first rows of the result.
    """

    stretch: int = 0
    skip: int = 0
    keep: int = 0
    length: int = 0
    skip_after: int = 0

    def of(self, table: Tensor) -> Tensor:
        """table: 1 l c -> 1 m c. Raises ValueError where no row is left, or more than MOST_ROWS."""
        rows = table.shape[1]
        self.check(rows)
        if self.stretch:
            table = stretched(table, rows + self.stretch)
        table = table[:, self.skip :]
        table = table[:, : self.keep or None]
        if self.length and table.shape[1]:
            table = stretched(table, self.length)
        table = table[:, self.skip_after :]
        if not table.shape[1]:
            raise ValueError(
                f"No row is left of the motion model's {rows} positions when the first "
                f"{max(self.skip, self.skip_after)} are left out. Leave out fewer."
            )
        return table

    def check(self, rows: int) -> None:
        """Raise ValueError for numbers that no table of so many rows can follow."""
        steps = (self.skip, self.keep, self.length, self.skip_after)
        if min(steps) < 0 or self.length > MOST_ROWS or not 1 <= rows + self.stretch <= MOST_ROWS:
            raise ValueError(
                f"The motion model's {rows} positions cannot be stretched by {self.stretch} or to "
                f"{self.length}, with {self.skip} and {self.skip_after} left out and {self.keep} "
                f"kept: none of these is below 0, and {MOST_ROWS} rows are the most."
            )


@dataclass(frozen=True)
class Adjustment:
    """positions: steps one behind the other; factors: (a name in GROUPS, number), multiplied."""

    positions: tuple[PositionSteps, ...] = ()
    factors: tuple[tuple[str, float], ...] = field(default=())

    def __bool__(self) -> bool:
        real = any(step != PositionSteps() for step in self.positions)
        return real or any(number != 1.0 for _, number in self.factors)

    def factor(self, name: str) -> float:
        """The product of the factors of a weight."""
        return product(number for group, number in self.factors if GROUPS[group](name))

    @property
    def table_factor(self) -> float:
        return product(number for group, number in self.factors if group in ("all", "pe"))


def product(numbers) -> float:
    result = 1.0
    for number in numbers:
        result *= number
    return result


def stretched(table: Tensor, rows: int) -> Tensor:
    """The values between the rows, linearly; the middles of both tables lie at one place.   table:
    1 l c -> 1 rows c"""
    columns = table.transpose(1, 2)
    return functional.interpolate(columns, rows, mode="linear", align_corners=False).transpose(1, 2)


def load_adjusted(
    path: str, adjustment: Adjustment, family: str = AUTOMATIC, disable_dynamic: bool = False
) -> ModelPatcher:
    """As `load_motion_model`, with the adjustment on it.

    The positions of a file that holds no table (AnimateLCM) are the formula's, and stay so. Raises
    ValueError as `load_motion_model` does, and where no position is left.
    """
    patcher = load_motion_model(path, family, disable_dynamic)
    remember_loader(patcher, load_adjusted, (path, adjustment, family))
    motion = motion_model(patcher)
    motion.source = None  # the file alone would give it without the adjustment
    with torch.no_grad():
        for name, weight in list(motion.named_parameters()):
            if (factor := adjustment.factor(name)) != 1.0:
                # a new tensor: with dynamic VRAM the old one is the file's own pages, read-only
                comfy.utils.set_attr_param(motion, name, weight * factor)
    weights, _ = sort_out(read_weights(path)[0], family, motion.spec.name)
    if not any(key.endswith(".pos_encoder.pe") for key in weights):
        return patcher
    for encoder in motion.encoders().values():
        for steps in adjustment.positions:
            encoder.pe = steps.of(encoder.pe)
        encoder.pe = encoder.pe * adjustment.table_factor
    rows = next(iter(motion.encoders().values())).pe.shape[1]
    motion.spec = replace(motion.spec, positions=rows)
    return patcher
