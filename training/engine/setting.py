"""What is known of a setting of a training run, which its check, widget and entry in example.toml
are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .bounds import Bounds

MANY = 1_000_000
"""Steps that a widget offers at most, where nothing limits them."""


@dataclass(frozen=True)
class Setting:
    """tooltip: of the node's input.   comment: in example.toml, where the tooltip does not fit it.
    bounds: of a number; None where `TrainingSettings.check` has a rule of its own, or choices.
    offered: the least and the most of the node's widget, often narrower.   step, rounding: of the
    widget.   free: whether a run that is resumed may change it, since no step is computed
    otherwise.   added: after the first version, whose files and checkpoints do not name it; it then
    was what the default is.   fresh: what a new node and example.toml say, where that is not what
    a file means that says nothing.   lines: whether a text may have several.
    """

    default: Any
    tooltip: str
    comment: str = ""
    bounds: Bounds | None = None
    choices: tuple[str, ...] = ()
    offered: tuple[float, float] | None = None
    step: float | None = None
    rounding: float | None = None
    free: bool = False
    added: bool = False
    fresh: Any = None
    lines: bool = False

    @property
    def shown(self) -> Any:
        """Where a new node and example.toml begin."""
        return self.default if self.fresh is None else self.fresh


def setting(default: Any, tooltip: str, **more: Any) -> Any:
    """A field of TrainingSettings with its Setting."""
    return field(default=default, metadata={"setting": Setting(default, tooltip, **more)})
