"""A clip that goes on: its last frames stand at the start of the next, and stay as they are.

The next clip is sampled with a noise mask that keeps those frames, so that the motion model sees
where the motion comes from (inpainting in time; SDEdit's masked sampling, Meng et al. 2022). With
the same seed they also carry the noise that they were made from, by ComfyUI's `batch_index`: frame
number i of the whole video always has the noise number i of its seed.

Where frames are blended, the mask opens over the last of the kept ones bit by bit, and the joined
video takes them from the new clip: a cross-fade inside the sampler, so that the motion changes over
several frames and not between two.

Most samplers give the kept frames back as they are. Those that do not end at sigma 0 leave noise in
them, as in all frames (uni_pc at 0.001, dpm_fast and dpm_adaptive at the last sigma above 0), so
the continuation also carries them as they were.
"""

from __future__ import annotations

import torch

from .frames import Latent, samples_of

KEPT = "animatediff_kit_kept_frames"
"""How many frames at the start of a LATENT are those of the clip before; samplers hand it on."""

BLENDED = "animatediff_kit_blended_frames"
"""How many of those, the last ones, pass over into the new clip; none where it is missing."""

SOURCE = "animatediff_kit_continued_from"
"""Those frames as they were; some samplers leave a little noise in theirs.   f c h w"""

WHOLE = "animatediff_kit_continued_frames"
"""How many frames a continuation has, kept and new."""

OF_THE_CLIP = (KEPT, BLENDED, SOURCE, WHOLE, "noise_mask")
"""What a joined video has no more."""


def continue_latent(latent: Latent, kept: int, frames: int, blended: int = 0) -> Latent:
    """The last `kept` frames of a clip and `frames` new ones, to be sampled at denoise 1.

    blended: n of the kept frames, the last ones; frame i of them is new to (i + 1) / (n + 1).

    Raises ValueError where the clip has fewer frames than are to be kept, or is no batch of frames,
    and where no kept frame would stay as it is.
    """
    samples = samples_of(latent)
    if not 1 <= kept <= len(samples):
        raise ValueError(
            f"{kept} frames are to be kept, and the clip has {len(samples)}; keep 1 to "
            f"{len(samples)}."
        )
    if not 0 <= blended < kept:
        raise ValueError(
            f"{blended} of {kept} kept frames are to be blended, and one at least has to stay as "
            f"it is; blend 0 to {kept - 1}."
        )
    if frames < 1:
        raise ValueError(f"{frames} new frames are no continuation; ask for 1 or more.")
    new = samples.new_zeros((frames, *samples.shape[1:]))
    mask = torch.ones((kept + frames, 1, *samples.shape[2:]))
    mask[:kept] = 0
    mask[kept - blended : kept] = (torch.arange(blended) + 1).view(-1, 1, 1, 1) / (blended + 1)
    numbers = [*(latent.get("batch_index") or range(len(samples)))]
    beyond = max(numbers) + 1
    return {
        **latent,
        "samples": torch.cat([samples[-kept:], new]),
        "noise_mask": mask,
        "batch_index": [*numbers[-kept:], *range(beyond, beyond + frames)],
        KEPT: kept,
        BLENDED: blended,
        SOURCE: samples[-kept:],
        WHOLE: kept + frames,
    }


def join_continuation(before: Latent, continued: Latent) -> Latent:
    """The clip before and what was sampled behind it, as one: every frame once, blended frames
    from the second.

    Raises ValueError where `continued` is no continuation, or does not begin with the last frames
    of `before`.
    """
    first, second = samples_of(before), samples_of(continued)
    kept = continued.get(KEPT)
    if kept is None:
        raise ValueError(
            "The second latent is no continuation: it was not made by Continue Animation. Connect "
            "the sampler that samples its latent."
        )
    same = kept - continued.get(BLENDED, 0)
    alone = len(first) - kept + same
    if not begins_with(first[-kept:][:same], continued, same):
        raise ValueError(
            f"The second latent does not begin with frames {alone - same} to {alone - 1} of the "
            "first. Connect the latent that Continue Animation went on from."
        )
    joined = {key: value for key, value in before.items() if key not in OF_THE_CLIP}
    joined["samples"] = torch.cat([first[:alone], second[same:].to(first)])
    if before.get("batch_index"):
        joined["batch_index"] = [*before["batch_index"][:alone], *continued["batch_index"][same:]]
    return joined


def begins_with(shared: torch.Tensor, continued: Latent, same: int) -> bool:
    """Whether a continuation's first frames are these, or were these before a sampler left noise
    in them: then less than half of what they are themselves.   shared: f c h w"""
    second = continued["samples"][:same].to(shared)
    if is_close(shared, second):
        return True
    source = continued.get(SOURCE)
    if source is None or len(continued["samples"]) != continued.get(WHOLE):
        return False
    if shared.shape != second.shape or not is_close(shared, source[:same].to(shared)):
        return False
    left = (second.float() - shared.float()).square().mean().sqrt()
    return bool(left < shared.float().std() / 2)


def is_close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one.float(), other.float(), atol=1e-3)
