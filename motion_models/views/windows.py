"""Views: windows inside the motion module alone.

Spatial layers look at one frame at a time, so windows that overlap compute them again and again.
With views the UNet is called once for all frames: its spatial layers run over the frames in parts
of one window's length, each frame once, and only the temporal attention slides its window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..strength import Values


@dataclass(frozen=True)
class Views:
    """The windows of one sampling step.

    windows: frame indices of each; shares: what each place in it contributes to its frame, summing
    to 1 over the windows that hold the frame; length: frames that the spatial layers are given at
    once; home: where the feature maps of all frames are kept between the layers, None for the
    device that computes.
    """

    windows: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[float, ...], ...]
    length: int
    home: torch.device | None = None

    def parts(self, frames: int) -> int:
        """Into how many parts of about one window's size all frames are cut."""
        return -(-frames // self.length)

    def blend(self, x: Tensor, scale: Values, attend: Callable[[Tensor, Values], Tensor]) -> Tensor:
        """The mean of `attend` over the windows, weighted by their shares.   x: (b n) f c, scale: a
        number or (b n) f k -> (b n) f c"""

        def of_windows(rows: Tensor) -> Tensor:
            rows = rows.index_select(1, index).unflatten(1, (len(group), -1))
            return rows.flatten(0, 1)

        blended = torch.zeros_like(x)
        for group in self.groups:
            index, share = self.placed(tuple(group), x)
            scales = of_windows(scale) if isinstance(scale, Tensor) else scale
            y = attend(of_windows(x), scales)
            y = y.unflatten(0, (-1, len(group))).flatten(1, 2)
            blended.index_add_(1, index, y * share.unsqueeze(-1))
        return blended

    def placed(self, group: tuple[int, ...], x: Tensor) -> tuple[Tensor, Tensor]:
        """The frames of the windows of a group and their shares, where x is; sent there once for
        all modules of a step."""
        key = (group, x.device, x.dtype)
        if key not in self.sent:
            frames = torch.tensor([frame for i in group for frame in self.windows[i]])
            shares = [value for i in group for value in self.shares[i]]
            self.sent[key] = frames.to(x.device), x.new_tensor(shares)
        return self.sent[key]

    @cached_property
    def sent(self) -> dict[Any, tuple[Tensor, Tensor]]:
        """What `placed` gave."""
        return {}

    @cached_property
    def groups(self) -> list[list[int]]:
        """Windows that are attended to at once: they are of one length and share no frame, so
        that together they hold no more than the video. A long one takes few calls."""
        groups: list[list[int]] = []
        held: list[set[int]] = []
        for i, window in enumerate(self.windows):
            for group, frames in zip(groups, held, strict=True):
                if len(self.windows[group[0]]) == len(window) and frames.isdisjoint(window):
                    group.append(i)
                    frames.update(window)
                    break
            else:
                groups.append([i])
                held.append(set(window))
        return groups
