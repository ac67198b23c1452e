"""All frames of a video, moving, while it is sampled: ComfyUI's own preview shows the first alone.

An OUTER_SAMPLE wrapper listens to the sampler's callback beside whoever listens already, so that
every sampler has it, with windows and views too: what it is told is the whole video. What is shown,
and to whom, is told by whoever adds it; without an audience nothing is computed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import latent_preview
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ..motion_models.pace import Pace
from .preview_sheet import Decode, Sheet, by_taesd, in_colours, sheet_of

log = logging.getLogger(__name__)

KEY = "animatediff_kit_preview"

SECONDS, TIMES = 1.0, 50.0
"""It is drawn at most this often, and for at most a fiftieth of a run's time."""

Show = Callable[[Sheet], None]
Audience = Callable[[], Show | None]
"""Asked when a run begins: who shows its previews, or None where nobody looks."""


def add_moving_preview(model: ModelPatcher, audience: Audience) -> ModelPatcher:
    """A clone whose sampling runs are shown; once, however often this is called."""
    model = model.clone()
    model.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, KEY)
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, MovingPreview(audience))
    return model


@dataclass(frozen=True)
class MovingPreview:
    """OUTER_SAMPLE wrapper: the run's callback shows the frames, beside what it does already."""

    audience: Audience

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
        """noise: f c h w"""
        show = self.audience() if noise.ndim == 4 and noise.shape[0] > 1 else None
        decoder = None if show is None else decoder_of(executor.class_obj.model_patcher)
        if show is not None and decoder is not None:
            callback = Shown(callback, show, *decoder)
        return executor(noise, latent, sampler, sigmas, denoise_mask, callback, *args, **more)


def decoder_of(model: ModelPatcher) -> tuple[Decode, int] | None:
    """What turns latents into colours, and how much larger it makes them: TAESD where ComfyUI's
    previews are set to it, else its latent colours. None where another pack draws previews in
    ComfyUI's place, such as VideoHelperSuite's animated ones, and where a model has no colours."""
    latent_format = model.model.latent_format
    theirs: Any = latent_preview.get_previewer(model.load_device, latent_format)
    if theirs is not None and type(theirs).__module__ != latent_preview.__name__:
        log.info(
            "AnimateDiff Kit: no moving preview, since %s draws previews.", type(theirs).__module__
        )
        return None
    taesd = getattr(theirs, "taesd", None)
    if taesd is not None:
        return by_taesd(taesd.decode)
    return in_colours(latent_format) if latent_format.latent_rgb_factors is not None else None


class Shown:
    """A sampler's callback that shows the frames now and then. before: the one that is there."""

    def __init__(self, before: Any, show: Show, decode: Decode, larger: int) -> None:
        self.before, self.show, self.decode, self.larger = before, show, decode, larger
        self.pace = Pace(SECONDS, TIMES)
        self.works = True

    def __call__(self, step: int, x0: Any, x: Any, total_steps: int) -> Any:
        """x0: f c h w, the video as this step sees its end"""
        if self.before is not None:
            self.before(step, x0, x, total_steps)
        if self.works and self.pace.due():
            with self.pace.taken():
                self.draw(x0)

    @torch.inference_mode()
    def draw(self, x0: Tensor) -> None:
        """A preview is no reason to end a run: where there is no memory for it, it stops."""
        try:
            self.show(sheet_of(x0, self.decode, self.larger))
        except RuntimeError as error:
            self.works = False
            log.warning(
                "The moving preview of this run stops (%s). Sampling goes on; switch preview off "
                "in the node if that comes back.",
                error,
            )
