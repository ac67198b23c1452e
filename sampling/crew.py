"""Who computes the windows of a run together with this process.

A crew is other processes that sample the same video (lockstep); each computes some windows of every
step, and hands them to the others. In a ComfyUI by itself there is none. The process has one crew
or none, as it has one server: this is where it is put when the pack is loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from torch import Tensor

OPTION = "animatediff_kit_shift"
"""The key of model_options under which the shift of a run stands."""


class Shift(Protocol):
    """What a process does of one run."""

    def share(self, windows: int) -> Collection[int]:
        """Which of so many windows this process computes."""
        ...

    def joined(
        self, mine: Iterable[Tensor], lengths: Sequence[int], like: Tensor
    ) -> Iterator[Tensor]:
        """The predictions of all windows, in their order.   mine: of this process's, in order, each
        conds l 4 h w;   lengths: l of each window;   like: conds n 4 h w"""
        ...


class Crew(Protocol):
    """Processes that begin a run together."""

    def begin(
        self, noise: Tensor, sigmas: Tensor, seed: int | None
    ) -> AbstractContextManager[Shift]:
        """The run that all processes begin.   noise: f c h w;   sigmas: steps + 1

        Raises ValueError where they were not given the same, RuntimeError where one is missing.
        """
        ...


class _Place:
    crew: Crew | None = None


def set_crew(crew: Crew | None) -> None:
    """This process samples with that crew from now on; None: by itself."""
    _Place.crew = crew


def crew() -> Crew | None:
    return _Place.crew


def begin_shift(executor: Any, noise: Tensor, *args: Any, **kwargs: Any) -> Any:
    """Goes on with an OUTER_SAMPLE wrapper, the shift of the run in the guider's options.   noise:
    f c h w"""
    working = crew()
    if working is None:
        return executor(noise, *args, **kwargs)
    options = executor.class_obj.model_options
    sigmas = kwargs["sigmas"] if "sigmas" in kwargs else args[2]
    seed = kwargs["seed"] if "seed" in kwargs else (args[6] if len(args) > 6 else None)
    with working.begin(noise, sigmas, seed) as shift:
        options[OPTION] = shift
        try:
            return executor(noise, *args, **kwargs)
        finally:
            del options[OPTION]
