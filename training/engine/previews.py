"""What the model draws so far: a few steps of sampling with the weights in training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..models.conditioning import ModelInputs
from ..models.seen import seen_in_preview
from ..models.stages import Trainee
from .batch_order import generator_for
from .batches import Clips, EncodedText, stack_texts

STEPS, GUIDANCE = 12, 7.5


def sample_clip(
    trainee: Trainee, clips: Clips, inputs: ModelInputs, dtype: torch.dtype, seed: int = 0
) -> Tensor:
    """The first clip's caption.   -> f 4 h w, scaled as the UNet has it"""
    texts = [clips.text(clips.caption(0)), clips.text("")]
    return sample(trainee, texts, clips.shape(0), inputs, dtype, seed)


@torch.no_grad()
def sample(
    trainee: Trainee,
    texts: Sequence[EncodedText],
    shape: Sequence[int],
    inputs: ModelInputs,
    dtype: torch.dtype,
    seed: int,
    picture: Tensor | None = None,
) -> Tensor:
    """Drawn from noise by DDIM with guidance (Song et al. 2021, eq. 12; Ho & Salimans 2022).
    -> f 4 h w, scaled as the UNet has it

    texts: the prompt, and what guidance leads away from;   shape: f 4 h w. The same seed gives the
    same noise, so that previews of different steps can be compared.   picture: 4 h w, as the VAE
    gives it, what PIA begins from.
    """
    device = next(iter(trainee.parameters.values())).device
    frames, *rest = shape
    frames = 1 if trainee.single_frames else frames
    x = torch.randn((1, frames, *rest), generator=generator_for(seed, 2)).to(device)
    text = stack_texts([t.embedding for t in texts]).to(device, dtype)
    pooled = [t.pooled for t in texts if t.pooled is not None]
    vector = inputs.vector(torch.stack(pooled).to(device) if pooled else None, x)
    vector = None if vector is None else vector.to(dtype)
    seen = None
    if picture is not None:
        seen = seen_in_preview(inputs.scaled(picture.float().to(device)), frames, videos=2)
    times = torch.linspace(len(trainee.signal) - 1, 0, STEPS).round().long()
    signals = [*trainee.signal[times].float().tolist(), 1.0]
    for t, a, a_next in zip(times, signals, signals[1:], strict=False):
        both = x.repeat(2, 1, 1, 1, 1)
        with (
            trainee.denoiser.animated(2, frames, seen),
            torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32),
        ):
            noise = trainee.denoiser(both, t.repeat(2).to(device), text, vector).float()
        with_text, without = noise.chunk(2)
        noise = without + GUIDANCE * (with_text - without)
        clean = (x - (1 - a) ** 0.5 * noise) / a**0.5
        x = a_next**0.5 * clean + (1 - a_next) ** 0.5 * noise
    return x[0]
