"""Sliding windows in ComfyUI's sampler: the only glue to `comfy.context_windows`.

ComfyUI asks `model_options["context_handler"]` before every evaluation of the model. This handler
runs the evaluation window by window and fuses the results, so that memory is that of one window.
Everything that belongs to a frame follows it (conditioning.py), and the window is published for
other packs:

    transformer_options["animatediff_kit"] the Run, narrowed to the window (motion_models/call.py)
    transformer_options["ad_params"]       full_length, context_length, sub_idxs (de-facto contract)
    transformer_options["context_window"]  index_list, context_length, total_frames, dim (core's)

A handler keeps no state: models that share it can be sampled in turn. Its windows may change with
the progress of sampling (window_phases.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import comfy.context_windows
import comfy.utils
import torch
from torch import Tensor

from ..motion_models.call import OPTION, Run, step_of
from ..motion_models.views.windows import Views
from . import crew
from .conditioning import Cond, window_conds
from .controls import Cut, Hints, hints_of
from .devices import devices_for, over_devices
from .evaluation import Evaluation, published
from .frames import frames_of
from .fuse import fuse_weights
from .progress_text import tell_window
from .views.controls import conds_in_parts
from .views.plan import home_of_views, is_animated, views_of
from .window_batches import in_batches
from .window_phases import Phases, WindowPhase, phase_at
from .window_states import state_of_window, tell_skipped
from .windows import Windows, WindowSettings, windows_of

NODE = "Slide Context Windows (AnimateDiff)"
"""Display name of the node that sets windows and nothing else."""


@dataclass(frozen=True)
class Window(comfy.context_windows.ContextWindowABC):
    """One window, under the names that core and other packs read."""

    index_list: list[int]
    total_frames: int
    dim: int = 0

    @property
    def context_length(self) -> int:
        return len(self.index_list)

    def get_tensor(self, full: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """full: n ... -> the window's frames, l ..."""
        return frames_of(full, self.index_list)

    def add_window(self, full: Tensor, to_add: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Add to_add: l ... to the window's frames of full: n ..., in place."""
        return full.index_add_(0, torch.tensor(self.index_list, device=full.device), to_add)


class FrameWindows(comfy.context_windows.ContextHandlerABC):
    """Windows over the batch of latents, whose entries are the frames of one video.

    phases: one at least, by their starts; home: where views keep the feature maps of all frames;
    None leaves it to the free memory.
    """

    def __init__(self, phases: Phases, node: str = NODE, home: torch.device | None = None) -> None:
        super().__init__()
        for phase in phases:
            phase.check()
        self.phases = phases
        self.settings = phases[0].windows
        self.node = node
        self.home = home
        self.context_length = self.settings.length
        self.context_overlap = self.settings.overlap
        self.dim = 0

    def at_once(self, frames: int) -> int:
        """How many of `frames` frames attention over time sees at once, at most."""
        return max(phase.at_once(frames) for phase in self.phases)

    def phase(
        self, model: Any, x: Tensor, timestep: Tensor, model_options: dict[str, Any]
    ) -> WindowPhase:
        """The windows of an evaluation."""
        sigmas = run_of(x, model_options).sigmas
        return phase_at(self.phases, model.model_sampling, sigmas, float(timestep.max()))

    def should_use_context(
        self, model: Any, conds: Any, x_in: Tensor, timestep: Tensor, model_options: dict[str, Any]
    ) -> bool:
        phase = self.phase(model, x_in, timestep, model_options)
        return phase.windows.applies_to(x_in.shape[0])

    def get_resized_cond(
        self, cond_in: list[Cond] | None, x_in: Tensor, window: Any, device: Any = None
    ) -> Any:
        return window_conds([cond_in], window.index_list, Hints())[0]

    def execute(
        self,
        calc_cond_batch: Callable[..., list[Tensor]],
        model: Any,
        conds: list[list[Cond] | None],
        x_in: Tensor,
        timestep: Tensor,
        model_options: dict[str, Any],
    ) -> list[Tensor]:
        """x_in: n 4 h w;   timestep: n   -> one prediction for each of `conds`, n 4 h w"""
        phase = self.phase(model, x_in, timestep, model_options)
        given = Evaluation(calc_cond_batch, model, conds, x_in, timestep, model_options)
        if phase.windows.inside_motion and is_animated(model.current_patcher):
            return self.in_views(phase.windows, given)
        run = run_of(x_in, model_options)
        step, _ = step_of(run.sigmas, float(timestep.max()))
        windows = windows_of(x_in.shape[0], phase.windows, step)
        shift = model_options.get(crew.OPTION)
        mine = range(len(windows)) if shift is None else shift.share(len(windows))
        found = self.predicted(given, phase, windows, mine)
        total = x_in.new_zeros((len(conds), *x_in.shape))
        if shift is not None:
            found = shift.joined(found, [len(window) for window in windows], total)
        weight = x_in.new_zeros((x_in.shape[0], 1, 1, 1))
        for indices, predictions in zip(windows, found, strict=True):
            window = Window(indices, x_in.shape[0])
            scale = x_in.new_tensor(fuse_weights(indices, len(x_in), phase.windows, step))
            scale = scale.view(-1, 1, 1, 1)
            for sum_of, prediction in zip(total, predictions, strict=True):
                window.add_window(sum_of, prediction * scale)
            window.add_window(weight, scale)
        tell_skipped(model_options, run)
        return [sum_of.div_(weight) for sum_of in total]

    def predicted(
        self, given: Evaluation, phase: WindowPhase, windows: Windows, mine: Collection[int]
    ) -> Iterator[Tensor]:
        """The predictions of those windows of a step that are `mine`, each conds l 4 h w."""
        run = run_of(given.x, given.model_options)
        step, steps = step_of(run.sigmas, float(given.timestep.max()))
        inner = {length: phase.views_in(length, step) for length in {*map(len, windows)}}
        progress = comfy.utils.ProgressBar(steps * len(windows))

        def several(at: Evaluation, batch: list[int]) -> list[Tensor]:
            shown = [windows[i] for i in batch]
            return in_windows(at, shown, phase.windows.length, inner[len(shown[0])])

        def compute(at: Evaluation, i: int) -> Tensor:
            return several(at, [i])[0]

        devices = devices_for(given, mine)
        found = (
            over_devices(given, devices, mine, compute)
            if devices
            else in_batches(given, windows, mine, several)
        )
        for i, predictions in zip(mine, found, strict=True):
            yield predictions
            progress.update_absolute(step * len(windows) + i + 1)
            options = given.model_options.get("transformer_options", {})
            tell_window(options, step, i + 1, len(windows))

    def in_views(self, settings: WindowSettings, given: Evaluation) -> list[Tensor]:
        """One evaluation of all frames; the motion layers slide the windows
        (motion_models/views/windows.py)."""
        model, x, model_options = given.model, given.x, given.model_options
        run = run_of(x, model_options)
        step, _ = step_of(run.sigmas, float(given.timestep.max()))
        frames, length = x.shape[0], settings.length
        options = model_options.get("transformer_options", {})
        first = is_first(given.timestep, run.sigmas)
        home = home_of_views(model, x, length, options, self.home, first)
        views = views_of(frames, settings, step, home)
        with published({OPTION: run.in_views(views)}, model_options):
            parts = conds_in_parts(given.conds, frames, length, hints_of(run), home)
            return given.calc_cond_batch(model, parts, x, given.timestep, model_options)


def in_windows(
    given: Evaluation, windows: Windows, length: int, inner: Views | None
) -> list[Tensor]:
    """The predictions for windows of as many frames, in one call, each conds l 4 h w.   length: of
    the windows as they are set; inner: the views inside each"""
    options, frames = given.model_options, given.x.shape[0]
    indices = [frame for window in windows for frame in window]
    run = run_of(given.x, options).with_inner(inner).within(indices, len(windows))
    told = window_options(Window(indices, frames), options, run)
    told.update(state_of_window(options, run, indices))
    predictions = given.in_window(indices, told, Cut(indices, frames, length), hints_of(run))
    return list(predictions.split(len(windows[0]), dim=1))


def run_of(x: Tensor, model_options: dict[str, Any]) -> Run:
    """The run that is published, or one for an evaluation by itself.   x: n 4 h w"""
    options = model_options.get("transformer_options", {})
    run = options.get(OPTION)
    return Run(x.shape[0], options.get("sample_sigmas")) if run is None else run


def is_first(timestep: Tensor, sigmas: Tensor | None) -> bool:
    """Whether this evaluation is the first of a run."""
    return sigmas is None or bool(timestep.max() >= sigmas[0] * (1 - 1e-4))


def window_options(window: Window, model_options: dict[str, Any], run: Run) -> dict[str, Any]:
    """What transformer_options say of a window that the run is narrowed to."""
    earlier = model_options.get("transformer_options", {}).get("ad_params", {})
    ad_params = {
        "full_length": window.total_frames,
        "context_length": window.context_length,
        "sub_idxs": list(window.index_list),
    }
    return {
        OPTION: run,
        "context_window": window,
        "ad_params": {**earlier, **ad_params},
    }
