"""Context windows put on a model: the handler, the memory of one window, a line in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import torch
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ..motion_models.call import publish_runs
from .handler import NODE, FrameWindows
from .views.plan import is_animated, room_for_views
from .window_states import check_states
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
    publish_runs(windowed)
    windowed.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    windowed.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, check_and_tell)
    return windowed


def node_of(handler: Any) -> str:
    """Display name of the node that set a handler, or the handler's class where it is unknown."""
    name = type(handler).__name__
    return handler.node if isinstance(handler, FrameWindows) else HANDLER_NODES.get(name, name)


def windows_on(model: ModelPatcher) -> WindowSettings:
    """The settings of the windows that a model is sampled in. Raises ValueError where it has none,
    or those of another node."""
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
    return handler.settings


def memory_of_one_window(
    executor: Any, model: ModelPatcher, noise_shape: Any, *args: Any, **kwargs: Any
) -> Any:
    """PREPARE_SAMPLING wrapper: ComfyUI makes room for one window instead of the whole video; in
    views also for the feature maps that stay on the device."""
    handler = (kwargs.get("model_options") or {}).get("context_handler")
    if isinstance(handler, FrameWindows):
        settings = handler.settings
        room = min(noise_shape[0], settings.length)
        if settings.inside_motion and is_animated(model):
            room = room_for_views(model, noise_shape, settings.length, handler.home)
        noise_shape = [room, *noise_shape[1:]]
    return executor(model, noise_shape, *args, **kwargs)


def check_and_tell(executor: Any, noise: Tensor, *args: Any, **kwargs: Any) -> Any:
    """OUTER_SAMPLE wrapper: what cannot be sampled in windows is refused; one line in the log."""
    options = executor.class_obj.model_options
    handler = options.get("context_handler")
    if isinstance(handler, FrameWindows):
        check_guidance(options, handler.settings, noise.shape[0])
        if handler.settings.applies_to(noise.shape[0]):
            check_states(options)
        log.info("AnimateDiff Kit: %s.", describe(handler.settings, noise.shape[0]))
    return executor(noise, *args, **kwargs)


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


def describe(settings: WindowSettings, frames: int) -> str:
    windows: Windows = windows_of(frames, settings)
    if len(windows) == 1:
        return f"{frames} frames in one window"
    return (
        f"{frames} frames in {len(windows)} windows of {settings.length}, overlap "
        f"{settings.overlap}, {settings.schedule}, {settings.fuse}"
    )
