"""The ray of each pixel, in Plücker coordinates (CameraCtrl, section 3.2; ray_condition of its
inference.py)."""

from __future__ import annotations

import torch
from torch import Tensor


def pixel_rays(poses: Tensor, lenses: Tensor, height: int, width: int) -> Tensor:
    """Moment o x d and direction d of the ray through the centre of each pixel.

    poses: f 4 4, camera to world; lenses: f 4, fx fy cx cy in widths and heights -> f 6 h w

    The picture that the lens is of has square pixels, and is cropped in the middle to the ratio of
    the video, as the authors do.
    """
    focal = torch.maximum(lenses[:, 0] * width, lenses[:, 1] * height)[:, None, None]
    centres = lenses[:, 2:] * lenses.new_tensor([width, height])
    y, x = torch.meshgrid(
        torch.arange(height).to(poses) + 0.5, torch.arange(width).to(poses) + 0.5, indexing="ij"
    )
    x = (x - centres[:, 0, None, None]) / focal
    y = (y - centres[:, 1, None, None]) / focal
    seen = torch.stack([x, y, torch.ones_like(x)], dim=-1)  # f h w 3
    seen = seen / seen.norm(dim=-1, keepdim=True)
    directions = torch.einsum("fhwk,fck->fhwc", seen, poses[:, :3, :3])
    origins = poses[:, None, None, :3, 3].expand_as(directions)
    moments = torch.linalg.cross(origins, directions)
    return torch.cat([moments, directions], dim=-1).movedim(-1, 1)
