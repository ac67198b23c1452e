"""One evaluation of the model by the sampler, which windows cut into several calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .conditioning import Cond, controls_of, window_conds
from .controls import Cut, Hints
from .frames import frames_of


@dataclass(frozen=True)
class Evaluation:
    """What ComfyUI's sampler gives a context handler.   x: n 4 h w;   timestep: n"""

    calc_cond_batch: Callable[..., list[Tensor]]
    model: Any
    conds: list[list[Cond] | None]
    x: Tensor
    timestep: Tensor
    model_options: dict[str, Any]

    def in_window(self, indices: list[int], told: dict[str, Any], cut: Cut, hints: Hints) -> Tensor:
        """The predictions for the frames of a window, `told` in transformer_options meanwhile.
        -> conds l 4 h w"""
        with published(told, self.model_options), cut.told_to(controls_of(self.conds), hints):
            predictions = self.calc_cond_batch(
                self.model,
                window_conds(self.conds, indices, hints),
                frames_of(self.x, indices),
                frames_of(self.timestep, indices),
                self.model_options,
            )
        hints.trim()
        return torch.stack(predictions)


@contextmanager
def published(entries: dict[str, Any], model_options: dict[str, Any]) -> Iterator[None]:
    """`entries` in transformer_options, for the model call inside and nothing after it."""
    options = model_options.setdefault("transformer_options", {})
    before = {key: options[key] for key in entries if key in options}
    options.update(entries)
    try:
        yield
    finally:
        for key in entries:
            options.pop(key, None)
        options.update(before)
