"""Clips from images that a workflow already holds."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from .clips import ClipSet, check_memory, check_size


def check_images(images: Tensor, caption: str) -> None:
    """Raise ValueError for what is no batch of pictures, and for a missing caption."""
    if images.ndim != 4 or images.shape[-1] < 3 or not len(images):
        raise ValueError(
            f"The images are of shape {tuple(images.shape)}; a batch of frames, height, width and "
            "3 colours is needed."
        )
    if not caption.strip():
        raise ValueError("The clip has no caption. Write what it shows in caption.")


def pixels_hash(images: Tensor) -> str:
    digest = hashlib.sha256(str(tuple(images.shape)).encode())
    for image in images:
        digest.update(image.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


class BatchClips(ClipSet):
    """Clips of one batch of images, with one caption and one size.

    KIND: what the images are, in the cache's identity.
    """

    KIND: str
    images: Tensor
    text: str
    length: int
    size: tuple[int, int]

    def caption(self, index: int) -> str:
        return self.text

    def description(self) -> dict[str, Any]:
        height, width = self.size
        return {
            self.KIND: pixels_hash(self.images),
            "frames": self.length,
            "width": width,
            "height": height,
            "caption": self.text,
        }

    @abstractmethod
    def images_of(self, index: int) -> Tensor:
        """Those that the clip shows.   -> f h w 3"""

    def identity(self, index: int) -> dict[str, Any]:
        height, width = self.size
        pixels = pixels_hash(self.images_of(index))
        return {self.KIND: pixels, "frames": self.length, "width": width, "height": height}

    def training_size(self, height: int, width: int) -> tuple[int, int]:
        return self.size

    def frame_count(self, index: int) -> int:
        return self.length


class ImageClips(BatchClips):
    """A batch of frames as one clip, or as clips of `frames` frames one behind the other; every
    `stride`-th frame is taken.   images: f h w 3

    frames, width, height: 0 stands for all of the batch, and for the images' own size; batch: its
    number among several, which the clips' names say. Raises ValueError when no clip fits, when the
    caption is empty, and for sizes that the VAE would crop.
    """

    KIND = "images"

    def __init__(
        self,
        images: Tensor,
        caption: str,
        stride: int = 1,
        frames: int = 0,
        width: int = 0,
        height: int = 0,
        batch: int | None = None,
    ) -> None:
        check_images(images, caption)
        if stride < 1:
            raise ValueError(f"stride is {stride}; set it to 1 or more.")
        self.images, self.text, self.stride = images[::stride, ..., :3], caption.strip(), stride
        self.length, self.batch = frames or len(self.images), batch
        if len(self.images) < max(self.length, 1 if frames == 1 else 2):
            needed = (max(frames, 2) - 1) * stride + 1
            raise ValueError(
                f"The batch has {len(images)} images, but {max(frames, 2)} frames at stride "
                f"{stride} need {needed}. Connect more frames, or set stride or frames lower."
            )
        self.size = height or images.shape[1], width or images.shape[2]
        check_size(*self.size)
        check_memory(self.length, *self.size)

    def __len__(self) -> int:
        return len(self.images) // self.length

    def name(self, index: int) -> str:
        of_batch = "" if self.batch is None else f" of batch {self.batch}"
        return f"images {index * self.length} to {(index + 1) * self.length - 1}{of_batch}"

    def images_of(self, index: int) -> Tensor:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.images[index * self.length : (index + 1) * self.length]

    def frames(self, index: int) -> Iterator[Tensor]:
        for image in self.images_of(index):
            yield image.float()


class StillClips(BatchClips):
    """Each image as a clip of `frames` equal frames, for a camera to move over.   images: b h w 3

    Raises ValueError for an empty caption and for sizes that the VAE would crop.
    """

    KIND = "stills"

    def __init__(
        self, images: Tensor, caption: str, frames: int = 16, width: int = 256, height: int = 256
    ) -> None:
        check_images(images, caption)
        if frames < 2:
            raise ValueError(f"A camera move of {frames} frames is none; set frames to 2 or more.")
        check_size(height, width)
        check_memory(frames, height, width)
        self.images, self.text, self.length = images[..., :3], caption.strip(), frames
        self.size = height, width

    def __len__(self) -> int:
        return len(self.images)

    def name(self, index: int) -> str:
        return f"image {index}"

    def images_of(self, index: int) -> Tensor:
        return self.images[index : index + 1]

    def frames(self, index: int) -> Iterator[Tensor]:
        for _ in range(self.length):
            yield self.images[index].float()
