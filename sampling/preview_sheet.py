"""All frames of a video in small, side by side in one picture, which a page plays as an animation.

One still picture is quick to write and to read, and playing goes on where it was while new ones
come in.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ..motion_models.latent_colours import coloured

FPS = 8.0
"""Frames a second that AnimateDiff's motion models are trained on."""

MOST_FRAMES, MOST_PIXELS, MOST_SIDE = 128, 2**20, 256
"""Of a sheet; and the longer side of one frame in it."""

TOGETHER = 4
"""Frames that a decoder is given at once: it takes much memory, while a video is sampled."""

Decode = Callable[[Tensor], Tensor]
"""Frames of latents as colours: f c h w, scaled as the UNet has them -> f h w 3 in 0..1"""


@dataclass(frozen=True)
class Sheet:
    """A picture of `frames` frames of `width` x `height`, row by row in `columns` columns, to be
    played at `fps`."""

    picture: Image.Image
    frames: int
    columns: int
    width: int
    height: int
    fps: float

    def as_jpeg(self) -> bytes:
        file = io.BytesIO()
        self.picture.save(file, format="JPEG", quality=85)
        return file.getvalue()


def side_for(frames: int) -> int:
    """Pixels that the longer side of each frame may have."""
    return min(MOST_SIDE, int(math.sqrt(MOST_PIXELS / frames)))


def every_nth(frames: int) -> int:
    """Of a long video only each n-th frame is shown."""
    return math.ceil(frames / MOST_FRAMES)


def sheet_of(x0: Tensor, decode: Decode, larger: int) -> Sheet:
    """x0: f c h w, the video as sampling sees its end;   larger: pixels that `decode` makes of one
    latent pixel, along a side"""
    nth = every_nth(len(x0))
    latents = smaller(x0[::nth], side_for(len(x0[::nth])) // larger)
    parts = [decode(part) for part in latents.split(TOGETHER)]
    frames = np.concatenate([(part.numpy() * 255).astype(np.uint8) for part in parts])
    columns = math.ceil(math.sqrt(len(frames)))
    height, width = frames.shape[1:3]
    picture = Image.fromarray(tiled(frames, columns))
    return Sheet(picture, len(frames), columns, width, height, FPS / nth)


def smaller(latents: Tensor, side: int) -> Tensor:
    """f c h w, its longer side of at most `side`; the means of what falls together, computed on the
    CPU: Apple's GPUs have them for sizes that divide one another alone."""
    longer = max(latents.shape[-2:])
    if longer <= side:
        return latents
    height, width = (max(1, round(length * side / longer)) for length in latents.shape[-2:])
    means = functional.adaptive_avg_pool2d(latents.float().cpu(), (height, width))
    return means.to(latents.device)


def tiled(frames: np.ndarray, columns: int) -> np.ndarray:
    """f h w 3 -> (rows h) (columns w) 3, black behind the last frame"""
    rows = math.ceil(len(frames) / columns)
    count, h, w, c = frames.shape
    full = np.zeros((rows * columns, h, w, c), frames.dtype)
    full[:count] = frames
    grid = full.reshape(rows, columns, h, w, c).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(grid.reshape(rows * h, columns * w, c))


def in_colours(latent_format: object) -> tuple[Decode, int]:
    """By latent colours, which need no model; and how much larger they are: not at all."""
    return lambda latents: coloured(latents, latent_format), 1


def by_taesd(taesd: Callable[[Tensor], Tensor]) -> tuple[Decode, int]:
    """By TAESD's decoder (Bohan 2023), which ComfyUI has loaded; 8 pixels for each of a latent."""

    def decode(latents: Tensor) -> Tensor:
        return ((taesd(latents) + 1) / 2).clamp(0, 1).movedim(1, -1).float().cpu()

    return decode, 8
