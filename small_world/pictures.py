"""Pools of drawn pictures, for training on images alone."""

from __future__ import annotations

import numpy as np

from .draw import clip_frames, picture, video
from .shapes import Array
from .styles import STYLES


def stills(count: int, seed: int, style: str = "base") -> tuple[list[str], Array]:
    """Pictures of the image set and their captions.   -> n captions, n h w 3 as bytes"""
    captions, drawn = [], []
    for number in range(count):
        scene, image = picture(seed, number, style)
        captions.append(scene.caption)
        drawn.append(as_bytes(image))
    return captions, np.stack(drawn)


def everything(count: int, seed: int) -> Array:
    """Pictures of all kinds for the autoencoder: the styles, and frames of the video set with and
    without its defect.   -> n h w 3 as bytes"""
    drawn: list[Array] = []
    share = count // 5
    for style in STYLES:
        drawn += list(stills(share, seed, style)[1])
    number = 0
    while len(drawn) < count:
        frames = clip_frames(video(seed, number), spoiled=number % 3 > 0)
        drawn += [as_bytes(frame) for frame in frames[number % 4 :: 4]]
        number += 1
    return np.stack(drawn[:count])


def as_bytes(image: Array) -> Array:
    return (image * 255).round().astype(np.uint8)
