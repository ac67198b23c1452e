"""Small networks that name what clips show, trained on drawn ones.

They stand in for the scores of large pretrained models, whose names they never bear.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ....small_world.world_clips import DRAWING
from ....training.files.fingerprints import digest_of

log = logging.getLogger(__name__)

Batch = tuple[Tensor, dict[str, Tensor]]
"""Clips, b f 3 h w in 0..1, and of each kind the number of the right name, b."""


@dataclass(frozen=True)
class Judge:
    """What a network is made of and learns.

    names: kind -> its names, e.g. {"colour": ("red", ...)}; pictures: widths of the layers that
    each halve a frame by itself; clips: widths and strides (frames, height, width) of those after
    them, over the frames; draw: (seed, step, size) -> a batch, the same for the same step; shares:
    more that the batches hang on
    """

    names: Mapping[str, tuple[str, ...]]
    pictures: tuple[int, ...]
    clips: tuple[tuple[int, tuple[int, int, int]], ...]
    draw: Callable[[int, int, int], Batch]
    steps: int
    batch: int = 32
    rate: float = 2e-3
    save_every: int = 100
    shares: tuple[float, ...] = ()

    def rate_at(self, step: int) -> float:
        """Rises over 30 steps, then falls to nothing along a half cosine."""
        fall = 0.5 * (1 + np.cos(np.pi * step / self.steps))
        return self.rate * min(1.0, (step + 1) / 30) * float(fall)

    def file(self, folder: Path, seed: int) -> Path:
        """Where the network is kept that learned so."""
        told = {**vars(self), "draw": [DRAWING, seed]}
        return folder / f"judge_{'_'.join(self.names)}_{digest_of(told)[:12]}.ckpt"


class JudgingNetwork(nn.Module):
    """b f 3 h w -> scores of each kind's names, by the largest of each feature over the clip. New
    ones are all alike."""

    def __init__(self, judge: Judge) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.names, width = judge.names, 3
        self.pictures, self.clips = nn.Sequential(), nn.Sequential()
        for outputs in judge.pictures:
            self.pictures.append(layer(nn.Conv2d(width, outputs, 3, 2, 1)))
            width = outputs
        for outputs, stride in judge.clips:
            self.clips.append(layer(nn.Conv3d(width, outputs, 3, stride, 1)))
            width = outputs
        self.heads = nn.ModuleDict({k: nn.Linear(width, len(n)) for k, n in judge.names.items()})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        maps = self.pictures(x.flatten(0, 1) * 2 - 1).unflatten(0, x.shape[:2])
        features = self.clips(maps.transpose(1, 2)).amax(dim=(2, 3, 4))
        return {kind: head(features) for kind, head in self.heads.items()}

    @torch.no_grad()
    def told(self, x: Tensor) -> dict[str, list[str]]:
        """The most probable name of each kind, for each of the batch."""
        found = {kind: scores.argmax(1).tolist() for kind, scores in self.eval()(x).items()}
        return {kind: [self.names[kind][i] for i in numbers] for kind, numbers in found.items()}


def layer(convolution: nn.Conv2d | nn.Conv3d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.GroupNorm(8, convolution.out_channels), nn.SiLU())


def trained(judge: Judge, folder: Path, seed: int) -> JudgingNetwork:
    """Train to the end, from where its file stopped; a finished one is read.   seed: of what is
    drawn"""
    network, path, step = JudgingNetwork(judge), judge.file(folder, seed), 0
    optimizer = torch.optim.AdamW(network.parameters(), lr=judge.rate, weight_decay=0.01)
    if path.is_file():
        state = torch.load(path, weights_only=True)
        network.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    network.train()
    while step < judge.steps:
        optimizer.param_groups[0]["lr"] = judge.rate_at(step)
        loss = learn(network, optimizer, judge.draw(seed, step, judge.batch))
        step += 1
        if step % 50 == 0:
            log.info("%s, step %d: loss %.4f", path.stem, step, loss)
        if step % judge.save_every == 0 or step == judge.steps:
            save(network, optimizer, step, path)
    return network.eval()


def learn(network: JudgingNetwork, optimizer: torch.optim.Optimizer, batch: Batch) -> float:
    """One step; the loss before it."""
    clips, right = batch
    losses = [functional.cross_entropy(s, right[kind]) for kind, s in network(clips).items()]
    loss = torch.stack(losses).sum()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


def save(network: nn.Module, optimizer: torch.optim.Optimizer, step: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"model": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
