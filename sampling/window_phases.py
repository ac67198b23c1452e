"""Windows from a part of sampling on, and the views inside them.

Early steps lay out the motion, late ones the detail: so a video may be sampled in long windows
first and in short ones later. And a window may be longer than what a motion model sees at once:
then its frames go through the UNet together, and through the motion layers by views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..motion_models.call import step_of
from ..motion_models.views.windows import Views
from .phases import active
from .views.plan import views_of
from .windows import WindowSettings


@dataclass(frozen=True)
class WindowPhase:
    """windows: how the video is cut; start: from which part of sampling on, 0 to 1; steps: how many
    it holds at least, once it has begun; views: how the motion layers cut a window, None not at
    all."""

    windows: WindowSettings
    start: float = 0.0
    steps: int = 1
    views: WindowSettings | None = None

    def check(self) -> None:
        """Raise ValueError for windows that cannot be."""
        self.windows.check()
        if self.views is None:
            return
        self.views.check()
        if self.windows.inside_motion:
            raise ValueError(
                f"view_length is {self.views.length}, but the schedule {self.windows.schedule} "
                "slides inside the motion layers already; set view_length to 0, or choose another "
                "schedule."
            )

    @property
    def innermost(self) -> WindowSettings:
        """The windows that attention over time sees."""
        return self.windows if self.views is None else self.views

    def at_once(self, frames: int) -> int:
        """How many of `frames` frames attention over time sees at once."""
        if not self.windows.applies_to(frames):
            return frames
        return min(frames, self.windows.length, self.innermost.length)

    def views_in(self, frames: int, step: int) -> Views | None:
        """The views of a window of so many frames; None where it is seen whole."""
        if self.views is None or not self.views.applies_to(frames):
            return None
        return views_of(frames, self.views, step)


Phases = tuple[WindowPhase, ...]


def in_order(phases: Sequence[WindowPhase]) -> Phases:
    """By their starts; those that begin together stay in their order."""
    return tuple(sorted(phases, key=lambda phase: phase.start))


def phase_at(phases: Phases, sampling: Any, sigmas: Tensor | None, sigma: float) -> WindowPhase:
    """The phase of an evaluation at `sigma`.   sampling: the model's, which says where a part of
    sampling begins; sigmas: of the run"""
    if len(phases) == 1 or sigmas is None:
        return phases[0]
    step, _ = step_of(sigmas, sigma)
    starts = [float(sampling.percent_to_sigma(phase.start)) for phase in phases]
    return phases[active(starts, [phase.steps for phase in phases], sigmas[: step + 1].tolist())]


def followed_by(phases: Phases, new: WindowPhase) -> Phases:
    """`phases` with one more, in the place of one that begins at the same time. Raises ValueError
    where nothing comes before it."""
    if not phases:
        raise ValueError(
            f"These windows begin at {new.start:g} of sampling, but the model has none before "
            "them. Set start_percent to 0, or put another node of context windows before this one, "
            "whose windows begin at 0."
        )
    kept = [phase for phase in phases if phase.start != new.start]
    return in_order([*kept, new])


def window_phase(
    windows: WindowSettings, view_length: int = 0, view_overlap: int = 4, start: float = 0.0
) -> WindowPhase:
    """A phase as widgets name it; a view_length of 0 is none. Views are joined as windows are."""
    views = WindowSettings(view_length, view_overlap, fuse=windows.fuse)
    return WindowPhase(windows, start, views=views if view_length else None)
