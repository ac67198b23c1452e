"""The losses: how far the predicted noise is from the noise that was added."""

from __future__ import annotations

import torch
from torch import Tensor


def clip_errors(predicted: Tensor, noise: Tensor) -> Tensor:
    """Mean squared error of each clip (Guo et al. 2024, eq. 2).   b f c h w -> b, float32"""
    return (predicted.float() - noise.float()).square().flatten(1).mean(1)


def min_snr_weight(signal: Tensor, gamma: float) -> Tensor:
    """min(SNR, gamma) / SNR for noise prediction (Hang et al. 2023, section 3.4).

    signal: b, each clip's a_t, the `alphas_cumprod` of diffusers and ComfyUI   -> b
    """
    snr = signal / (1 - signal)
    return snr.clamp(max=gamma) / snr


def debiased(frames: Tensor, anchor: Tensor, beta: float = 1.0) -> Tensor:
    """phi(x_i) = sqrt(beta^2 + 1) x_i - beta x_anchor (MotionDirector, Zhao et al. 2023, eq. 5).

    What all frames have in common, the appearance, nearly cancels; what differs between them, the
    motion, stays.   frames: b f c h w;   anchor: b, a frame's index for each clip
    """
    clips = torch.arange(frames.shape[0], device=frames.device)
    anchor_frame = frames[clips, anchor.to(frames.device)].unsqueeze(1)
    return (beta**2 + 1) ** 0.5 * frames - beta * anchor_frame
