"""What previews are seen through: the VAE, and the text encoder for prompts that no clip has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.model_management as memory
import torch
from torch import Tensor

from ...motion_models.latent_colours import coloured
from ..engine import preview_list, stop_rules
from ..engine.batches import EncodedText
from ..engine.clip_loss import ClipLoss
from ..engine.config import TrainingSettings
from ..models.stages import DOMAIN_ADAPTER

PREVIEW_SIDE = 256
"""Pixels of the longer side of a preview without a VAE."""


@dataclass(frozen=True)
class Eyes:
    """ComfyUI's VAE and CLIP, or None. Without a VAE, previews have the colours of ComfyUI's live
    previews, and no motion is measured."""

    vae: Any = None
    clip: Any = None

    def pixels(self, latents: Tensor, latent_format: Any) -> Tensor:
        """latents: f 4 h w, scaled as the UNet has them   -> f h w 3 in 0..1"""
        if self.vae is None:
            return coloured(latents, latent_format, PREVIEW_SIDE)
        return self.decoded(latent_format.process_out(latents))

    @torch.inference_mode()
    def decoded(self, latents: Tensor) -> Tensor:
        """latents: f 4 h w, as the VAE has them   -> f h w 3 in 0..1"""
        return self.vae.decode(latents).float().clamp(0, 1).cpu()

    def rest(self) -> None:
        """Give the device's memory back to the training."""
        if self.vae is not None:
            memory.unload_all_models()
            memory.soft_empty_cache()


@dataclass(frozen=True)
class PromptText:
    """embedding: t c;   pooled: c, SDXL's, or None"""

    embedding: Tensor
    pooled: Tensor | None


@dataclass(frozen=True)
class Wanted:
    """A preview to draw.   clip: whose first frame PIA begins from"""

    seed: int
    prompt: str
    text: EncodedText
    clip: int = 0


def check_eyes(settings: TrainingSettings, stage: str, eyes: Eyes) -> None:
    """Raise ValueError for settings that need eyes that are not there."""
    rules = stop_rules.parse(settings.stop_rules)
    if preview_list.parse(settings.prompts, 0) and eyes.clip is None:
        raise ValueError(
            "Prompts of previews need the text encoder; connect CLIP to clip, or leave prompts "
            "empty, which draws captions of the clips."
        )
    for what, asked in (
        ("Stop rules about previews are", bool(rules.previews)),
        ("A calibration is", settings.calibrate != "off"),
    ):
        if asked and eyes.vae is None:
            raise ValueError(f"{what} measured in pixels; connect the VAE to vae, or leave it out.")
        if asked and stage == DOMAIN_ADAPTER:
            raise ValueError(
                f"{what} about motion, and a domain adapter is trained on single pictures; leave "
                "it out."
            )


def wanted_previews(loss: ClipLoss, eyes: Eyes) -> list[Wanted]:
    """Those of the setting `prompts`; where it is empty, captions of the first clips: as many as
    the stop rules speak of, or one."""
    settings, clips = loss.settings, loss.clips
    asked = preview_list.parse(settings.prompts, settings.seed)
    if asked and eyes.clip is not None:  # check_eyes has asked for it where previews are drawn
        return [Wanted(one.seed, one.prompt, encoded(eyes.clip, one.prompt)) for one in asked]
    count = stop_rules.parse(settings.stop_rules).previews or 1
    shown = [(settings.seed + i, i % len(clips)) for i in range(count)]
    named = [(seed, clips.caption(clip), clip) for seed, clip in shown]
    return [Wanted(seed, caption, clips.text(caption), clip) for seed, caption, clip in named]


@torch.inference_mode()
def encoded(clip: Any, prompt: str) -> PromptText:
    """On the host, in float32; `pooled` from text encoders as SDXL's alone."""
    found = clip.encode_from_tokens(clip.tokenize(prompt), return_pooled=True, return_dict=True)
    with torch.inference_mode(False):  # what is made in inference mode cannot be trained through
        pooled = found["pooled_output"] if hasattr(clip.cond_stage_model, "clip_g") else None
        return PromptText(
            found["cond"][0].float().cpu().clone(),
            None if pooled is None else pooled[0].float().cpu().clone(),
        )
