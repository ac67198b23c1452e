"""A model without what this pack has put on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy.patcher_extension import WrappersMP

from ..motion_models.adapter_over_time import KEY as ADAPTER
from ..motion_models.call import publish_runs
from .handler import FrameWindows

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

OURS = "animatediff_kit"


def goes(key: str) -> bool:
    return key.startswith(OURS) and not key.startswith(ADAPTER)


def without_animation(model: ModelPatcher) -> ModelPatcher:
    """A clone of `model` without motion models, windows, noise and guidance of this pack. LoRAs, a
    domain adapter whose scale follows the frames too, and the noise schedule stay, and what other
    packs have put on it."""
    plain = model.clone()
    for key in [key for key in plain.additional_models if str(key).startswith(OURS)]:
        plain.remove_additional_models(key)
    for kind in (WrappersMP.OUTER_SAMPLE, WrappersMP.APPLY_MODEL, WrappersMP.PREPARE_SAMPLING):
        for key in [key for key in plain.wrappers.get(kind, {}) if goes(str(key))]:
            plain.remove_wrappers_with_key(kind, key)
    if any(str(key).startswith(ADAPTER) for key in plain.wrappers.get(WrappersMP.APPLY_MODEL, {})):
        publish_runs(plain)
    if isinstance(plain.model_options.get("context_handler"), FrameWindows):
        del plain.model_options["context_handler"]
    return plain
