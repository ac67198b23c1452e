"""Sliding windows in ComfyUI's sampler: the only glue to `comfy.context_windows`.

ComfyUI asks `model_options["context_handler"]` before every evaluation of the model. This handler
runs the evaluation window by window and fuses the results, so that memory is that of one window.
Everything that belongs to a frame follows it (conditioning.py), and the window is published for
other packs:

    transformer_options["ad_params"]       full_length, context_length, sub_idxs (de-facto contract)
    transformer_options["context_window"]  index_list, context_length, total_frames, dim (core's)

A handler keeps no state: models that share it can be sampled in turn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import comfy.context_windows
import comfy.model_management
import comfy.utils
import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ..motion_models.views.windows import OPTION as VIEWS_OPTION
from .conditioning import Cond, Cut, conds_in_parts, frames_of, window_conds
from .fuse import fuse_weights
from .views.plan import home_of_views, is_animated, room_for_views, views_of
from .windows import VIEWS, Windows, WindowSettings, windows_of

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

log = logging.getLogger(__name__)

KEY = "animatediff_kit_windows"

NODE = "Slide Context Windows"
"""Display name of the node that sets windows and nothing else."""

HANDLER_NODES = {
    # class of another's handler -> display name of the node that sets it
    "IndexListContextHandler": "Context Windows (Manual)",
}

CORES_WRAPPERS = {
    # of core's node, which expect core's handler
    WrappersMP.PREPARE_SAMPLING: "ContextWindows_prepare_sampling",
    WrappersMP.SAMPLER_SAMPLE: "ContextWindows_sampler_sample",
}


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

    home: where views keep the feature maps of all frames; None leaves it to the free memory.
    """

    def __init__(
        self, settings: WindowSettings, node: str = NODE, home: torch.device | None = None
    ) -> None:
        super().__init__()
        settings.check()
        self.settings = settings
        self.node = node
        self.home = home
        self.context_length = settings.length
        self.context_overlap = settings.overlap
        self.dim = 0

    def should_use_context(
        self, model: Any, conds: Any, x_in: Tensor, timestep: Tensor, model_options: dict[str, Any]
    ) -> bool:
        return self.settings.applies_to(x_in.shape[0])

    def get_resized_cond(
        self, cond_in: list[Cond] | None, x_in: Tensor, window: Any, device: Any = None
    ) -> Any:
        return window_conds([cond_in], window.index_list)[0]

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
        if self.settings.schedule == VIEWS and is_animated(model.current_patcher):
            return self.in_views(calc_cond_batch, model, conds, x_in, timestep, model_options)
        step, steps = step_of(timestep, model_options)
        windows = windows_of(x_in.shape[0], self.settings, step)
        progress = comfy.utils.ProgressBar(steps * len(windows))
        total = [torch.zeros_like(x_in) for _ in conds]
        weight = x_in.new_zeros((x_in.shape[0], 1, 1, 1))
        for i, indices in enumerate(windows):
            comfy.model_management.throw_exception_if_processing_interrupted()
            window = Window(indices, x_in.shape[0])
            cut = Cut(indices, x_in.shape[0], self.settings.length)
            options = window_options(window, model_options)
            with published(options, model_options), cut.told_to(conds):
                predictions = calc_cond_batch(
                    model,
                    window_conds(conds, indices),
                    window.get_tensor(x_in),
                    window.get_tensor(timestep),
                    model_options,
                )
            scale = x_in.new_tensor(fuse_weights(indices, x_in.shape[0], self.settings))
            scale = scale.view(-1, 1, 1, 1)
            for sum_of, prediction in zip(total, predictions, strict=True):
                window.add_window(sum_of, prediction * scale)
            window.add_window(weight, scale)
            progress.update_absolute(step * len(windows) + i + 1)
        return [sum_of.div_(weight) for sum_of in total]

    def in_views(
        self,
        calc_cond_batch: Callable[..., list[Tensor]],
        model: Any,
        conds: list[list[Cond] | None],
        x_in: Tensor,
        timestep: Tensor,
        model_options: dict[str, Any],
    ) -> list[Tensor]:
        """One evaluation of all frames; the motion layers slide the windows
        (motion_models/views/windows.py)."""
        step, _ = step_of(timestep, model_options)
        frames, length = x_in.shape[0], self.settings.length
        options = model_options.get("transformer_options", {})
        first = is_first(timestep, options)
        home = home_of_views(model, x_in, length, options, self.home, first)
        views = views_of(frames, self.settings, step, home)
        with published({VIEWS_OPTION: views}, model_options):
            parts = conds_in_parts(conds, frames, length, home)
            return calc_cond_batch(model, parts, x_in, timestep, model_options)


def step_of(timestep: Tensor, model_options: dict[str, Any]) -> tuple[int, int]:
    """Index of the sampling step that this evaluation belongs to, and the number of steps.

    Samplers like heun evaluate between two listed sigmas, so the sigmas still to come are counted
    instead of one being looked up.
    """
    sigmas = model_options.get("transformer_options", {}).get("sample_sigmas")
    if sigmas is None or len(sigmas) < 2:
        return 0, 1
    reached = (sigmas[:-1] >= float(timestep.max()) * (1 - 1e-4)).sum()
    return max(0, int(reached) - 1), len(sigmas) - 1


def is_first(timestep: Tensor, options: dict[str, Any]) -> bool:
    """Whether this evaluation is the first of a run."""
    sigmas = options.get("sample_sigmas")
    return sigmas is None or bool(timestep.max() >= sigmas[0] * (1 - 1e-4))


def window_options(window: Window, model_options: dict[str, Any]) -> dict[str, Any]:
    """What transformer_options say of a window."""
    earlier = model_options.get("transformer_options", {}).get("ad_params", {})
    ad_params = {
        "full_length": window.total_frames,
        "context_length": window.context_length,
        "sub_idxs": list(window.index_list),
    }
    return {"context_window": window, "ad_params": {**earlier, **ad_params}}


@contextmanager
def published(entries: dict[str, Any], model_options: dict[str, Any]) -> Iterator[None]:
    """`entries` in transformer_options, for the model call inside and nothing after it."""
    options = model_options.setdefault("transformer_options", {})
    before = {key: options[key] for key in entries if key in options}
    options.update(entries)
    try:
        yield
    finally:
        for key in entries:
            options.pop(key, None)
        options.update(before)


def apply_context_windows(
    model: ModelPatcher,
    settings: WindowSettings,
    node: str = NODE,
    home: torch.device | None = None,
) -> ModelPatcher:
    """A clone of `model` that is sampled window by window, as the node of this display name sets
    it; `home` as FrameWindows says. Raises ValueError for impossible settings.

    A model has one handler: one that an earlier node has set is replaced, with a warning.
    """
    windowed = model.clone()
    earlier = windowed.model_options.get("context_handler")
    if earlier is not None:
        log.warning(
            "%s replaces the context windows that %s has set on this model.", node, node_of(earlier)
        )
    for place, key in CORES_WRAPPERS.items():
        windowed.remove_wrappers_with_key(place, key)
    options: dict[str, Any] = windowed.model_options
    options["context_handler"] = FrameWindows(settings, node, home)
    windowed.remove_wrappers_with_key(WrappersMP.PREPARE_SAMPLING, KEY)
    windowed.add_wrapper_with_key(WrappersMP.PREPARE_SAMPLING, KEY, memory_of_one_window)
    windowed.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    windowed.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, log_windows)
    return windowed


def node_of(handler: Any) -> str:
    """Display name of the node that set a handler, or the handler's class where it is unknown."""
    name = type(handler).__name__
    return handler.node if isinstance(handler, FrameWindows) else HANDLER_NODES.get(name, name)


def memory_of_one_window(
    executor: Any, model: ModelPatcher, noise_shape: Any, *args: Any, **kwargs: Any
) -> Any:
    """PREPARE_SAMPLING wrapper: ComfyUI makes room for one window instead of the whole video; in
    views also for the feature maps that stay on the device."""
    handler = (kwargs.get("model_options") or {}).get("context_handler")
    if isinstance(handler, FrameWindows):
        settings = handler.settings
        room = min(noise_shape[0], settings.length)
        if settings.schedule == VIEWS and is_animated(model):
            room = room_for_views(model, noise_shape, settings.length, handler.home)
        noise_shape = [room, *noise_shape[1:]]
    return executor(model, noise_shape, *args, **kwargs)


def log_windows(executor: Any, noise: Tensor, *args: Any, **kwargs: Any) -> Any:
    """OUTER_SAMPLE wrapper: one line a run."""
    handler = executor.class_obj.model_options.get("context_handler")
    if isinstance(handler, FrameWindows):
        log.info("AnimateDiff Kit: %s.", describe(handler.settings, noise.shape[0]))
    return executor(noise, *args, **kwargs)


def describe(settings: WindowSettings, frames: int) -> str:
    windows: Windows = windows_of(frames, settings)
    if len(windows) == 1:
        return f"{frames} frames in one window"
    return (
        f"{frames} frames in {len(windows)} windows of {settings.length}, overlap "
        f"{settings.overlap}, {settings.schedule}, {settings.fuse}"
    )
