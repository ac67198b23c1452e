"""What a sampling run is doing, as a line of text: step, window and the time that is left.

An OUTER_SAMPLE wrapper listens to the sampler's callback; the handler of windows tells it of each
window through transformer_options, for the time of the run. Who reads the line is told by whoever
adds it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

KEY = "animatediff_kit_progress_text"
OPTION = "animatediff_kit_watch"
"""In transformer_options, of a run that somebody follows: a function (step, window, windows)."""

SECONDS = 0.5
"""A line at most this often."""

Tell = Callable[[str], None]


def add_progress_text(model: ModelPatcher, reader: Callable[[], Tell | None]) -> ModelPatcher:
    """A clone whose sampling runs are told; once, however often this is called. reader: asked when
    a run begins; None where nobody reads."""
    model = model.clone()
    model.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, ProgressText(reader))
    return model


def tell_window(options: dict[str, Any], step: int, window: int, windows: int) -> None:
    """A window of a step is done. options: transformer_options; step counts from 0, window from
    1."""
    watch = options.get(OPTION)
    if watch is not None:
        watch(step, window, windows)


@dataclass(frozen=True)
class ProgressText:
    """OUTER_SAMPLE wrapper."""

    reader: Callable[[], Tell | None]

    def __call__(
        self,
        executor: Any,
        noise: Tensor,
        latent: Any,
        sampler: Any,
        sigmas: Tensor,
        denoise_mask: Any = None,
        callback: Any = None,
        *args: Any,
        **more: Any,
    ) -> Any:
        tell = self.reader()
        if tell is None:
            return executor(noise, latent, sampler, sigmas, denoise_mask, callback, *args, **more)
        line = Line(tell, len(sigmas) - 1, callback)
        options = executor.class_obj.model_options.setdefault("transformer_options", {})
        options[OPTION] = line.window
        try:
            done = executor(noise, latent, sampler, sigmas, denoise_mask, line.step, *args, **more)
        finally:
            options.pop(OPTION, None)
        line.end()
        return done


@dataclass
class Line:
    """The line of one run.   steps: of a pass; FreeInit makes several, and says so by its
    callback;   before: the sampler's callback that is there already"""

    tell: Tell
    steps: int
    before: Any = None
    clock: Callable[[], float] = time.monotonic
    began: float = field(init=False)
    told: float = field(init=False, default=float("-inf"))
    done: int = field(init=False, default=0)
    of_a_pass: int = field(init=False)

    def __post_init__(self) -> None:
        self.began, self.of_a_pass = self.clock(), max(1, self.steps)

    def step(self, step: int, x0: Any, x: Any, total_steps: int) -> None:
        """A step is done; it counts from 0."""
        if self.before is not None:
            self.before(step, x0, x, total_steps)
        self.done, self.steps = step + 1, max(self.steps, total_steps)
        self.write(f"Step {self.done} of {self.steps}", self.done / max(1, self.steps))

    def window(self, step: int, window: int, windows: int) -> None:
        step += self.done // self.of_a_pass * self.of_a_pass  # those of the passes before
        part = (step + window / windows) / max(1, self.steps)
        self.write(f"Step {step + 1} of {self.steps}, window {window} of {windows}", part)

    def write(self, text: str, part: float) -> None:
        """part: of the run that is done, up to 1"""
        now = self.clock()
        if now - self.told < SECONDS or not 0 < part < 1:
            return
        self.told = now
        left = (now - self.began) * (1 - part) / part
        self.tell(f"{text}, {minutes(left)} left")

    def end(self) -> None:
        self.tell(f"{self.steps} steps in {minutes(self.clock() - self.began)}")


def minutes(seconds: float) -> str:
    """90 -> 1:30"""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
