"""A model without what this pack has put on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy.patcher_extension import WrappersMP

from .handler import FrameWindows

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

OURS = "animatediff_kit"


def without_animation(model: ModelPatcher) -> ModelPatcher:
    """A clone of `model` without motion models, windows, noise and guidance of this pack. LoRAs and
    the noise schedule stay, and what other packs have put on it."""
    plain = model.clone()
    for key in [key for key in plain.additional_models if str(key).startswith(OURS)]:
        plain.remove_additional_models(key)
    for kind in (WrappersMP.OUTER_SAMPLE, WrappersMP.APPLY_MODEL, WrappersMP.PREPARE_SAMPLING):
        for key in [key for key in plain.wrappers.get(kind, {}) if str(key).startswith(OURS)]:
            plain.remove_wrappers_with_key(kind, key)
    if isinstance(plain.model_options.get("context_handler"), FrameWindows):
        del plain.model_options["context_handler"]
    return plain
