"""A clip that goes on: its last frames stand at the start of the next, and stay as they are.

The next clip is sampled with a noise mask that keeps those frames, so that the motion model sees
where the motion comes from (inpainting in time; SDEdit's masked sampling, Meng et al. 2022). With
the same seed they also carry the noise that they were made from, by ComfyUI's `batch_index`: frame
number i of the whole video always has the noise number i of its seed.
"""

from __future__ import annotations

from typing import Any

import torch

Latent = dict[str, Any]
"""ComfyUI's LATENT; samples: f c h w."""

KEPT = "animatediff_kit_kept_frames"
"""How many frames at the start of a LATENT are those of the clip before; samplers hand it on."""


def continue_latent(latent: Latent, kept: int, frames: int) -> Latent:
    """The last `kept` frames of a clip and `frames` new ones, to be sampled at denoise 1.

    Raises ValueError where the clip has fewer frames than are to be kept, or is no batch of frames.
    """
    samples = checked(latent)
    if not 1 <= kept <= len(samples):
        raise ValueError(
            f"{kept} frames are to be kept, and the clip has {len(samples)}; keep 1 to "
            f"{len(samples)}."
        )
    if frames < 1:
        raise ValueError(f"{frames} new frames are no continuation; ask for 1 or more.")
    new = samples.new_zeros((frames, *samples.shape[1:]))
    mask = torch.ones((kept + frames, 1, *samples.shape[2:]))
    mask[:kept] = 0
    numbers = latent.get("batch_index") or range(len(samples))
    first = numbers[-1] + 1 - kept
    return {
        **latent,
        "samples": torch.cat([samples[-kept:], new]),
        "noise_mask": mask,
        "batch_index": list(range(first, first + kept + frames)),
        KEPT: kept,
    }


def join_continuation(before: Latent, continued: Latent) -> Latent:
    """The clip before and what was sampled behind it, as one: every frame once.

    Raises ValueError where `continued` is no continuation, or does not begin with the last frames
    of `before`.
    """
    first, second = checked(before), checked(continued)
    kept = continued.get(KEPT)
    if kept is None:
        raise ValueError(
            "The second latent is no continuation: it was not made by Continue Animation. Connect "
            "the sampler that samples its latent."
        )
    if first.shape[1:] != second.shape[1:] or not torch.allclose(
        first[-kept:].float(), second[:kept].float().to(first.device), atol=1e-3
    ):
        raise ValueError(
            f"The second latent does not begin with the last {kept} frames of the first. Connect "
            "the latent that Continue Animation went on from."
        )
    joined = {key: value for key, value in before.items() if key not in (KEPT, "noise_mask")}
    joined["samples"] = torch.cat([first, second[kept:].to(first)])
    if before.get("batch_index"):
        joined["batch_index"] = [*before["batch_index"], *continued["batch_index"][kept:]]
    return joined


def checked(latent: Latent) -> torch.Tensor:
    samples = latent["samples"]
    if samples.ndim != 4:
        raise ValueError(
            f"This latent has the shape {list(samples.shape)}, of a video model; AnimateDiff's are "
            "batches of images, f c h w. Use VAE Encode or an SD1.5 or SDXL sampler."
        )
    return samples
