"""CameraCtrl by its published code: Plücker rays (inference.py), the pose encoder (pose_adaptor.py)
and what a UNet's weights are with the poses in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from .image_encoder import means_of_four
from .layers import Weights, conv
from .motion import positional_table, temporal_block
from .unet import children

ATTENTION = "temporal_transformer.transformer_blocks.0.attention_blocks.0.processor"


def published_rays(
    world_to_camera: np.ndarray, lenses: np.ndarray, height: int, width: int, ratio: float
) -> Tensor:
    """`1 6 f h w` in float64.   world_to_camera: f 4 4; lenses: f 4; ratio: width over height of
    the picture that the lenses are of."""
    fx, fy, cx, cy = (torch.from_numpy(column) for column in lenses.T)
    if ratio > width / height:
        fx = height * ratio * fx / width
    else:
        fy = width / ratio * fy / height
    fx, fy, cx, cy = fx * width, fy * height, cx * width, cy * height
    relative = [np.eye(4)]
    relative += [world_to_camera[0] @ np.linalg.inv(pose) for pose in world_to_camera[1:]]
    y, x = torch.meshgrid(
        torch.linspace(0, height - 1, height, dtype=torch.float64) + 0.5,
        torch.linspace(0, width - 1, width, dtype=torch.float64) + 0.5,
        indexing="ij",
    )
    frames = []
    for i, pose in enumerate(torch.from_numpy(np.stack(relative))):
        look = torch.stack([(x - cx[i]) / fx[i], (y - cy[i]) / fy[i], torch.ones_like(x)], dim=-1)
        d = (look / look.norm(dim=-1, keepdim=True)) @ pose[:3, :3].T
        o = pose[:3, 3]
        moment = [
            o[1] * d[..., 2] - o[2] * d[..., 1],
            o[2] * d[..., 0] - o[0] * d[..., 2],
            o[0] * d[..., 1] - o[1] * d[..., 0],
        ]
        frames.append(torch.cat([torch.stack(moment), d.movedim(-1, 0)]))
    return rearrange(torch.stack(frames), "f c h w -> 1 c f h w")


def pose_features(weights: Weights, rays: Tensor, positions: int) -> list[Tensor]:
    """The features of each level, `b c f h w`, for rays `b 6 f h w` of the picture."""
    x = rearrange(rays, "b c f (h p) (w q) -> b (c p q) f h w", p=8, q=8)
    x = conv(weights, "encoder_conv_in", x)
    features = []
    for i, level in enumerate(children(weights, "encoder_down_conv_blocks")):
        for j, block in enumerate(children(weights, level)):
            x = means_of_four(x) if i and not j else x
            if f"{block}.in_conv.weight" in weights:
                x = conv(weights, f"{block}.in_conv", x)
            x = x + conv(weights, f"{block}.block2", F.relu(conv(weights, f"{block}.block1", x)))
            b, c, f, h, w = x.shape
            table = positional_table(positions, c)[:f].to(x)
            y = rearrange(x, "b c f h w -> (b h w) f c")
            name = f"encoder_down_attention_blocks.{i}.{j}"
            y = temporal_block(weights, name, y, table, heads=8)
            x = rearrange(y, "(b h w) f c -> b c f h w", b=b, h=h, w=w)
        features.append(x)
    return features


def posed_weights(
    weights: Weights, control: Weights, features: list[Tensor], scale: Any = 1.0
) -> dict[str, Tensor]:
    """A UNet's weights with the merging layers, and the poses' features for each of them."""
    posed = {**weights}
    for key, weight in control.items():
        if ".qkv_merge." not in key:
            continue
        posed[key] = weight
        block, level = key.split(".")[:2]
        feature = features[int(level) if block == "down_blocks" else -1 - int(level)]
        place = key.split(".qkv_merge.")[0]
        posed[f"{place}.pose"] = rearrange(feature, "b c f h w -> (b h w) f c")
        posed[f"{place}.scale"] = scale
    return posed
