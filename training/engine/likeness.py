"""How like a picture the frames of a clip are: the mask that PIA is trained with (Zhang et al.
2024, arXiv:2312.13964; prepare_mask_coef_by_score of open-mmlab/PIA).

    d_ij  = mean |z_i - z_j|, of a clip's frames i and j
    D_k   = what d_ij reaches among clips where |i - j| = k
    frame i is like the picture j by 1 - 0.8 d_ij / D_|i-j|

PIA takes d in pixels (hue, saturation, value, edges) and D from a table of WebVid. Clips are kept
as latents here, so d is of latents, and D of the clips that are trained on; what counts is the
ratio of both. So 1 is a still clip, 0.2 one that moves as much as any at this distance, and the
curves of Apply PIA lie between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .batches import Clips

SPREAD = 0.8
"""From the likeness of the picture itself, 1, to the least, 0.2: `sim_range` of PIA."""

BEYOND = 0.95
"""The share of D that counts for a larger distance, as in PIA's code."""

QUANTILE = 0.95
"""D is no maximum, which one cut among many clips would set."""

MOST = 256
"""Clips that D is taken of, evenly spread over all."""


@dataclass(frozen=True)
class Likeness:
    """reached: D_0 (which is 0), D_1 and so on, for as many frames as the longest clip has"""

    reached: Tensor

    def affinity(self, latents: Tensor, pictures: Tensor) -> Tensor:
        """latents: b f 4 h w;   pictures: b, a frame's index for each clip   -> b f"""
        chosen = latents[torch.arange(len(latents)), pictures]
        distances = (latents - chosen.unsqueeze(1)).abs().flatten(2).mean(2)
        apart = (torch.arange(latents.shape[1]) - pictures.unsqueeze(1)).abs()
        reached = self.reached[apart]
        shares = distances / reached.clamp(min=torch.finfo(torch.float32).tiny)
        shares = shares.where(distances <= reached, torch.full_like(shares, BEYOND))
        return 1 - SPREAD * shares


def likeness_of(clips: Clips, shown: Sequence[int]) -> Likeness:
    """By the clips that are trained on. Those of one frame say nothing."""
    several = [index for index in shown if clips.shape(index)[0] > 1]
    longest = max(clips.shape(index)[0] for index in range(len(clips)))
    found: list[list[Tensor]] = [[] for _ in range(longest)]
    for index in several[:: -(-len(several) // MOST)]:
        frames = clips.latents(index).float()
        for apart in range(1, len(frames)):
            found[apart].append((frames[apart:] - frames[:-apart]).abs().flatten(1).mean(1))
    reached = torch.zeros(longest)
    for apart in range(1, longest):  # a distance that no such clip has: as the one before
        known = found[apart]
        reached[apart] = torch.cat(known).quantile(QUANTILE) if known else reached[apart - 1]
    return Likeness(reached)
