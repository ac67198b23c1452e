"""A UNet batch of whole videos, taken to the device in parts of neighbouring frames.

With views the batch holds all frames of a long video. Between the layers its feature maps may be
kept somewhere else than on the device that computes: in host memory (stream.py). What is computed
is the same wherever they are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from torch import Tensor


@dataclass(frozen=True)
class FrameParts:
    """How a UNet batch of whole videos, (b f) ..., is cut into parts of neighbouring frames.

    device: where the parts are computed; home: where the whole batch is kept.
    """

    videos: int
    frames: int
    length: int
    device: torch.device
    home: torch.device

    def starts(self) -> Iterator[int]:
        """The first frame of each part. Between parts, a run that is cancelled ends."""
        for start in range(0, self.frames, self.length):
            throw_exception_if_processing_interrupted()
            yield start

    def of(self, batch: Tensor, start: int) -> Tensor:
        """The part's frames of every video, where the batch is kept.   (b f) ... -> b l ..."""
        return batch.unflatten(0, (self.videos, -1))[:, start : start + self.length]

    def take(self, batch: Any, start: int) -> Any:
        """The part's frames of every video, on the device.   (b f) ... -> (b l) ...; what is no
        such batch stays."""
        if isinstance(batch, list):
            return [self.take(entry, start) for entry in batch]
        if not isinstance(batch, Tensor) or batch.shape[:1] != (self.videos * self.frames,):
            return batch
        return self.of(batch, start).to(self.device).flatten(0, 1)

    def put(self, whole: Tensor | None, part: Tensor, start: int) -> Tensor:
        """Write a part into the whole batch, which is made for the first.   (b l) ... -> (b f)
        ..."""
        if whole is None:
            shape = (self.videos * self.frames, *part.shape[1:])
            whole = torch.empty(shape, dtype=part.dtype, device=self.home)
        self.of(whole, start).copy_(part.unflatten(0, (self.videos, -1)))
        return whole

    def is_part(self, tensor: Tensor, start: int) -> bool:
        """Whether it has an entry for every frame of the part that begins at `start`."""
        length = min(self.length, self.frames - start)
        return tensor.shape[:1] == (self.videos * length,)

    def kept(self, batch: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        """A batch that a call brings with it, at home, and one frame of each video, which the call
        brings in its stead. Nothing is kept that belongs on the device, or that is no such batch.
        """
        if batch is None or self.home == self.device or len(batch) != self.videos * self.frames:
            return None, batch
        return batch.to(self.home), batch.unflatten(0, (self.videos, -1))[:, 0]

    def run(self, compute: Callable[[int], Tensor]) -> Tensor:
        """The batch made of what `compute` gives for each part, by its first frame.   (b l) ... ->
        (b f) ..."""
        whole = None
        for start in self.starts():
            whole = self.put(whole, compute(start), start)
        assert whole is not None
        return whole

    def options(self, options: dict[str, Any], start: int) -> dict[str, Any]:
        """transformer_options for a part: other packs' attention patches are told its frames."""
        frames = list(range(start, min(start + self.length, self.frames)))
        part = {"full_length": self.frames, "context_length": len(frames), "sub_idxs": frames}
        return {**options, "ad_params": {**options.get("ad_params", {}), **part}}
