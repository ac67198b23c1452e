"""What is given a frame each (texts, masks, hints), counted before sampling starts.

ComfyUI begins again with the first entry where they end, and leaves away those that are too many,
without a word. In a video that is a jump, so it is told. (ComfyUI 0.33 has repeated the latent's
noise mask before anything can count it.)
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from comfy.patcher_extension import WrappersMP
from torch import Tensor

from .conditioning import Cond
from .controls import chain, cuts_itself

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

log = logging.getLogger(__name__)

KEY = "animatediff_kit_entries"

PER_FRAME = {
    # entry of a conditioning that holds a batch -> what it is
    "cross_attn": "text",
    "pooled_output": "pooled text",
    "mask": "mask",
    "concat_latent_image": "image to inpaint",
    "concat_mask": "mask to inpaint",
}


def count_entries(model: ModelPatcher) -> ModelPatcher:
    """A clone of `model` that tells, once a sampling run, of what has neither one entry nor as many
    as there are frames."""
    counted = model.clone()
    counted.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    counted.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, warn_of_other_numbers)
    return counted


def warn_of_other_numbers(executor: Any, noise: Tensor, *args: Any, **kwargs: Any) -> Any:
    """OUTER_SAMPLE wrapper: one warning for all that has another number.   noise: f c h w"""
    frames = noise.shape[0]
    given = [
        (f"the {group} {what}", count)
        for group, conds in executor.class_obj.conds.items()
        for cond in conds or ()
        for what, count in entries_of(cond)
    ]
    mask = args[3] if len(args) > 3 else kwargs.get("denoise_mask")
    if isinstance(mask, Tensor) and mask.ndim >= 3:
        given.append(("the latent's noise mask", mask.shape[0]))
    told = [described(what, n, frames) for what, n in dict.fromkeys(given) if n not in (1, frames)]
    if told:
        log.warning(
            "%d frames are sampled, but %s. Give each frame one entry, or all of them the same.",
            frames,
            "; ".join(told),
        )
    return executor(noise, *args, **kwargs)


def described(what: str, count: int, frames: int) -> str:
    if count > frames:
        return f"{what} has {count} entries, of which those from {frames} on are unused"
    return f"{what} has {count} entries: frame {count} begins again with the first"


def entries_of(cond: Cond) -> Iterator[tuple[str, int]]:
    """What a conditioning gives frame by frame, and how many entries it has."""
    for key, what in PER_FRAME.items():
        held = cond.get(key)
        if isinstance(held, Tensor) and held.ndim >= (3 if "mask" in key else 2):
            yield what, held.shape[0]
    for control in chain(cond.get("control")):
        hint = getattr(control, "cond_hint_original", None)
        if isinstance(hint, Tensor) and not cuts_itself(control):
            yield "ControlNet's hint", hint.shape[0]
    gligen = cond.get("gligen")
    if gligen is not None and gligen[0] == "position_batched":
        yield "GLIGEN's boxes", len(gligen[2])
