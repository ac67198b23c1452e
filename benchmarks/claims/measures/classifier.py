"""Small networks that name what a clip or a picture shows, trained on drawn ones.

They stand in for the scores of large pretrained models, whose names they never bear.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ....small_world.world_clips import DRAWING
from ....training.files.fingerprints import digest_of

log = logging.getLogger(__name__)

Batch = tuple[Tensor, dict[str, Tensor]]
"""Pictures, and of each head the number of the right name."""


@dataclass(frozen=True)
class Recipe:
    steps: int
    batch: int = 32
    rate: float = 2e-3
    save_every: int = 100

    def rate_at(self, step: int) -> float:
        """Rises over 30 steps, then falls to nothing along a half cosine."""
        fall = 0.5 * (1 + np.cos(np.pi * step / self.steps))
        return self.rate * min(1.0, (step + 1) / 30) * float(fall)


class Classifier(nn.Module):
    """A body that ends in `width` features, and a head for each kind of name.

    names: kind -> its names, e.g. {"colour": ("red", ...)}
    """

    def __init__(self, body: nn.Module, width: int, names: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.body = body
        self.names = {kind: tuple(known) for kind, known in names.items()}
        self.heads = nn.ModuleDict({k: nn.Linear(width, len(n)) for k, n in self.names.items()})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.body(x)
        return {kind: head(features) for kind, head in self.heads.items()}

    @torch.no_grad()
    def told(self, x: Tensor) -> dict[str, list[str]]:
        """The most probable name of each kind, for each of the batch."""
        self.eval()
        return {
            kind: [self.names[kind][i] for i in scores.argmax(1).tolist()]
            for kind, scores in self(x).items()
        }

    @torch.no_grad()
    def probabilities(self, x: Tensor, kind: str) -> Tensor:
        """-> b names"""
        self.eval()
        return self(x)[kind].softmax(1)


def network_file(folder: Path, model: Classifier, recipe: Recipe, *drawn: Any) -> Path:
    """Where a network is kept that was trained so.   drawn: what its pictures hang on"""
    kinds = "_".join(model.names)
    told = digest_of([DRAWING, model.names, asdict(recipe), *drawn])
    return folder / f"network_{kinds}_{told[:12]}.ckpt"


def train(
    model: Classifier, draw: Callable[[int, int], Batch], recipe: Recipe, path: Path
) -> Classifier:
    """Train to the end, from where `path` stopped; a finished one is read.

    draw: (step, size) -> a batch, the same for the same step.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=0.01)
    step = 0
    if path.is_file():
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    model.train()
    total = 0.0
    while step < recipe.steps:
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate_at(step)
        pictures, right = draw(step, recipe.batch)
        scores = model(pictures)
        losses = [functional.cross_entropy(scores[kind], right[kind]) for kind in scores]
        loss = torch.stack(losses).sum()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step, total = step + 1, total + loss.item()
        if step % 50 == 0:
            log.info("%s, step %d: loss %.4f", path.stem, step, total / 50)
            total = 0.0
        if step % recipe.save_every == 0 or step == recipe.steps:
            save(model, optimizer, step, path)
    return model.eval()


def save(model: Classifier, optimizer: torch.optim.Optimizer, step: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def block(dims: int, inputs: int, outputs: int, stride: int | tuple[int, ...]) -> nn.Sequential:
    """Convolution over 3 cells a side, in 2 dimensions or 3, normalised in 8 groups."""
    kind = nn.Conv2d if dims == 2 else nn.Conv3d
    convolution = kind(inputs, outputs, 3, stride, 1)  # pyright: ignore[reportArgumentType]
    return nn.Sequential(convolution, nn.GroupNorm(8, outputs), nn.SiLU())
