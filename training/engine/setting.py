"""What is known of a setting beside its value: its texts, its bounds, its widget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .bounds import Bounds


@dataclass(frozen=True)
class Setting:
    """tooltip: of the node's input.   comment: in example.toml, where the tooltip does not fit it.
    bounds: of a number; None where `TrainingSettings.check` has a rule of its own, or choices.
    offered: the least and the most of the node's widget, often narrower.   step, rounding: of the
    widget.   free: whether a run that is resumed may change it, since no step is computed
    otherwise.   added: after the first version, whose files and checkpoints do not name it; it then
    was what the default is.
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


def setting(default: Any, tooltip: str, **more: Any) -> Any:
    """A field of TrainingSettings with its Setting."""
    return field(default=default, metadata={"setting": Setting(default, tooltip, **more)})
