"""Context windows put on a model: the handler, the memory of one window, a line in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ..motion_models.call import publish_runs
from .crew import begin_shift
from .handler import NODE, FrameWindows
from .views.plan import is_animated, room_for_views
from .window_phases import Phases, WindowPhase, followed_by
from .window_states import check_states, tell_moving
from .windows import Windows, WindowSettings, windows_of

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

log = logging.getLogger(__name__)

KEY = "animatediff_kit_windows"

HANDLER_NODES = {
    # class of another's handler -> display name of the node that sets it
    "IndexListContextHandler": "Context Windows (Manual)",
}

ONE_CALL = {
    # class of a node whose guidance looks at one call of the UNet -> its display name
    "SelfAttentionGuidance": "Self-Attention Guidance",
}

CORES_WRAPPERS = {
    # of core's node, which expect core's handler
    WrappersMP.PREPARE_SAMPLING: "ContextWindows_prepare_sampling",
    WrappersMP.SAMPLER_SAMPLE: "ContextWindows_sampler_sample",
}


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
    return apply_window_phases(model, (WindowPhase(settings),), node, home)


def add_window_phase(model: ModelPatcher, phase: WindowPhase) -> ModelPatcher:
    """As `apply_context_windows`; windows that begin later than sampling follow those that the
    model has."""
    earlier = model.model_options.get("context_handler")
    if phase.start == 0.0:
        return apply_window_phases(model, (phase,))
    ours = isinstance(earlier, FrameWindows)
    phases = followed_by(earlier.phases if ours else (), phase)
    return apply_window_phases(model, phases, home=earlier.home if ours else None, tells=not ours)


def apply_window_phases(
    model: ModelPatcher,
    phases: Phases,
    node: str = NODE,
    home: torch.device | None = None,
    tells: bool = True,
) -> ModelPatcher:
    """As `apply_context_windows`, with windows that change with the progress of sampling. `tells`:
    of what is replaced."""
    windowed = model.clone()
    earlier = windowed.model_options.get("context_handler")
    if earlier is not None and tells:
        log.warning(
            "%s replaces the context windows that %s has set on this model.", node, node_of(earlier)
        )
    for place, key in CORES_WRAPPERS.items():
        windowed.remove_wrappers_with_key(place, key)
    options: dict[str, Any] = windowed.model_options
    options["context_handler"] = FrameWindows(phases, node, home)
    windowed.remove_wrappers_with_key(WrappersMP.PREPARE_SAMPLING, KEY)
    windowed.add_wrapper_with_key(WrappersMP.PREPARE_SAMPLING, KEY, memory_of_one_window)
    publish_runs(windowed)
    windowed.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    windowed.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, check_and_tell)
    return windowed


def node_of(handler: Any) -> str:
    """Display name of the node that set a handler, or the handler's class where it is unknown."""
    name = type(handler).__name__
    return handler.node if isinstance(handler, FrameWindows) else HANDLER_NODES.get(name, name)


def windows_on(model: ModelPatcher) -> list[tuple[float, WindowSettings]]:
    """The windows that a model is sampled in, each with the part of sampling, 0 to 1, from which on
    they are. Raises ValueError where it has none, or those of another node."""
    handler = model.model_options.get("context_handler")
    if handler is None:
        raise ValueError(
            f"This model is sampled without context windows. Connect it behind {NODE}, or leave "
            "model empty to see the windows of the widgets."
        )
    if not isinstance(handler, FrameWindows):
        raise ValueError(
            f"The windows of this model come from {node_of(handler)}, which chooses them itself. "
            f"Connect a model with those of {NODE}, or leave model empty."
        )
    return [(phase.start, phase.windows) for phase in handler.phases]


def memory_of_one_window(
    executor: Any, model: ModelPatcher, noise_shape: Any, *args: Any, **kwargs: Any
) -> Any:
    """PREPARE_SAMPLING wrapper: ComfyUI makes room for one window instead of the whole video; in
    views also for the feature maps that stay on the device."""
    handler = (kwargs.get("model_options") or {}).get("context_handler")
    if isinstance(handler, FrameWindows):
        rooms = (room_for(handler, phase.windows, model, noise_shape) for phase in handler.phases)
        noise_shape = [max(rooms), *noise_shape[1:]]
    return executor(model, noise_shape, *args, **kwargs)


def room_for(
    handler: FrameWindows, settings: WindowSettings, model: ModelPatcher, shape: Any
) -> int:
    """For how many frames of `shape`, n 4 h w, ComfyUI shall make room."""
    if settings.inside_motion and is_animated(model):
        return room_for_views(model, shape, settings.length, handler.home)
    return min(shape[0], settings.length)


def check_and_tell(executor: Any, noise: Tensor, *args: Any, **kwargs: Any) -> Any:
    """OUTER_SAMPLE wrapper: what cannot be sampled in windows is refused; one line in the log."""
    options = executor.class_obj.model_options
    handler = options.get("context_handler")
    if isinstance(handler, FrameWindows):
        for phase in handler.phases:
            check_guidance(options, phase.windows, noise.shape[0])
        if any(phase.windows.applies_to(noise.shape[0]) for phase in handler.phases):
            check_states(options)
            calls = windows_in_calls(handler, executor.class_obj.model_patcher)
            tell_moving(options, calls, noise.shape[0])
        for phase in handler.phases:
            tell_open_loop(phase.windows, noise.shape[0])
        told = (describe(phase, noise.shape[0]) for phase in handler.phases)
        log.info("AnimateDiff Kit: %s.", "; ".join(told))
        if any(is_dealt(phase.windows, noise.shape[0]) for phase in handler.phases):
            return begin_shift(executor, noise, *args, **kwargs)
    return executor(noise, *args, **kwargs)


def windows_in_calls(handler: FrameWindows, model: ModelPatcher) -> list[WindowSettings]:
    """The windows that are calls of the UNet, not views inside one."""
    views = is_animated(model)
    found = [phase.windows for phase in handler.phases]
    return [windows for windows in found if not (views and windows.inside_motion)]


def is_dealt(settings: WindowSettings, frames: int) -> bool:
    """Whether a video of so many frames is several calls of the UNet, which a crew can share."""
    return settings.applies_to(frames) and not settings.inside_motion


def tell_open_loop(settings: WindowSettings, frames: int) -> None:
    if settings.closed_loop and 1 < frames < settings.length:
        log.warning(
            "closed_loop is on, but %d frames fit into one window of %d, so the video does not "
            "close into a loop. Set the length to %d.",
            frames,
            settings.length,
            frames,
        )


def check_guidance(options: dict[str, Any], settings: WindowSettings, frames: int) -> None:
    """Raise ValueError for a guidance that takes the last call of the UNet for the whole batch."""
    hooks = options.get("sampler_post_cfg_function", ())
    names = [getattr(hook, "__qualname__", "").split(".")[0] for hook in hooks]
    found = next((ONE_CALL[name] for name in names if name in ONE_CALL), None)
    if found is not None and settings.applies_to(frames):
        raise ValueError(
            f"{found} keeps the attention of one call of the UNet, but {frames} frames in windows "
            f"of {settings.length} take several, so it would blur frames by others' attention. "
            f"Remove it, or lower the number of frames to {settings.length}."
        )


def describe(phase: WindowPhase, frames: int) -> str:
    settings = phase.windows
    begins = f"from {phase.start:g} of sampling on, " if phase.start else ""
    windows: Windows = windows_of(frames, settings)
    if len(windows) == 1:
        return f"{begins}{frames} frames in one window"
    views = phase.views
    inside = "" if views is None else f", views of {views.length}, overlap {views.overlap}"
    return (
        f"{begins}{frames} frames in {len(windows)} windows of {settings.length}, overlap "
        f"{settings.overlap}, {settings.schedule}, {settings.fuse}{inside}"
    )
