"""Small networks that name what clips show, trained on drawn ones: colour, shape and motion (Q7),
and the style, which is the similarity to a personalised model's domain.

They stand in for the scores of large pretrained models, whose names they never bear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from ...small_world.draw import picture, random_of, random_scene
from ...small_world.motions import FRAMES
from ...small_world.scene import Scene, draw
from ...small_world.shapes import Array
from ...small_world.styles import STYLES
from ...small_world.words import COLOURS, MOTIONS, SHAPES
from ...small_world.world_clips import DRAWING
from ...training.files.fingerprints import digest_of

Batch = tuple[Tensor, dict[str, Tensor]]
"""Clips, b f 3 h w in 0..1, and of each kind the number of the right name, b."""

LABELS = 101  # the stream of these draws, which no training set shares
EVERY = 2  # of the frames, every second is looked at
OTHER, STYLE = "other", "style"
NAMES = {"colour": tuple(COLOURS), "shape": SHAPES, "motion": (*MOTIONS, OTHER)}
# what a motion is in reverse, where it is one of the world's
BACKWARDS = {"left": "right", "right": "left", "up": "down", "down": "up", "bounce": "bounce"}
TRUE, FROZEN, REVERSED = 0.6, 0.15, 0.15  # shares of the clips; the rest are shuffled
BLURRED = 0.5  # share of the clips that are blurred, by a kernel of 3 or 5 pixels
# up to: standard deviation; share of each colour's contrast; of its brightness
NOISE, GAIN, OFFSET = 0.04, 0.12, 0.06


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
    """Train a network, or read what was trained so before.   seed: of what is drawn"""
    network, path = JudgingNetwork(judge), judge.file(folder, seed)
    if path.is_file():
        network.load_state_dict(torch.load(path, weights_only=True))
        return network.eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=judge.rate, weight_decay=0.01)
    for step in tqdm(range(judge.steps), path.stem, delay=10, mininterval=10):
        optimizer.param_groups[0]["lr"] = judge.rate_at(step)
        clips, right = judge.draw(seed, step, judge.batch)
        losses = [functional.cross_entropy(s, right[kind]) for kind, s in network(clips).items()]
        torch.stack(losses).sum().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), path)
    return network.eval()


def worn(frames: Array, random: np.random.Generator) -> Array:
    """As a generated clip may look: a little blurred, noisy, and off in colour, so that networks do
    not see such faults. The same wear on all frames but for the noise.   f h w 3 -> f h w 3"""
    blurs = int(random.integers(1, 3)) if random.uniform() < BLURRED else 0
    for axis in (1, 2) * blurs:  # means of 1 2 1; pixels at the edge stand twice
        places = np.arange(frames.shape[axis])
        low, high = (frames.take((places + i).clip(0, places[-1]), axis) for i in (-1, 1))
        frames = (low + 2 * frames + high) / 4
    gain = 1 + random.uniform(-GAIN, GAIN, 3)
    offset = random.uniform(-OFFSET, OFFSET, 3)
    noise = random.uniform(0, NOISE) * random.standard_normal(frames.shape)
    return (0.5 + gain * (frames - 0.5) + offset + noise).clip(0, 1).astype(np.float32)


def labelled(seed: int, number: int) -> tuple[Array, Scene, str]:
    """Every second frame of a drawn clip of any combination, f h w 3, its scene, and the motion
    that it shows, whatever its scene says: what moves has a trail, so that a still picture of this
    world gives its motion away; the network is to answer by what moves."""
    random = random_of(LABELS, seed, number)
    scene = random_scene(random, held=bool(random.uniform() < 0.125))
    frames = draw(scene, np.arange(0, FRAMES, EVERY, dtype=np.float32))
    kind = random.uniform()
    if scene.motion == "still" or kind < TRUE:
        return frames, scene, scene.motion
    if kind < TRUE + FROZEN:
        one = frames[random.integers(len(frames))]
        return np.broadcast_to(one, frames.shape), scene, "still"
    if kind < TRUE + FROZEN + REVERSED:
        return frames[::-1], scene, BACKWARDS.get(scene.motion, OTHER)
    return frames[random.permutation(len(frames))], scene, OTHER


def label_batch(seed: int, step: int, size: int) -> Batch:
    numbers = range(step * size, (step + 1) * size)
    clips, scenes, motions = zip(*(labelled(seed, number) for number in numbers), strict=True)
    random = random_of(LABELS, seed, step, size)
    frames = np.stack([worn(clip, random) for clip in clips])
    shown = {**truth(scenes), "motion": motions}
    right = {k: torch.tensor([NAMES[k].index(n) for n in names]) for k, names in shown.items()}
    return torch.from_numpy(frames).movedim(-1, 2).float().contiguous(), right


def style_batch(seed: int, step: int, size: int) -> Batch:
    """Clips of one frame."""
    random = random_of(LABELS, seed, step, size)
    styles, names = random.integers(0, len(STYLES), size), tuple(STYLES)
    drawn = (picture(seed, step * size + i, names[style])[1] for i, style in enumerate(styles))
    frames = torch.from_numpy(np.stack([worn(one[None], random) for one in drawn]))
    return frames.movedim(-1, 2).contiguous(), {STYLE: torch.from_numpy(styles)}


LABEL_JUDGE = Judge(
    NAMES,
    pictures=(24, 48),
    clips=((64, (1, 2, 2)), (96, (2, 2, 2)), (128, (2, 2, 2))),
    draw=label_batch,
    steps=3000,
    shares=(TRUE, FROZEN, REVERSED),
)
STYLE_JUDGE = Judge({STYLE: tuple(STYLES)}, (16, 32, 64, 64), (), style_batch, steps=1000)


def for_network(clips: Sequence[Tensor]) -> Tensor:
    """each f h w 3 at full rate -> b f 3 h w"""
    return torch.stack([clip[::EVERY].movedim(-1, 1) for clip in clips]).float()


def named(network: JudgingNetwork, clips: Sequence[Tensor], size: int = 16) -> dict[str, list[str]]:
    """Colour, shape and motion of each clip, f h w 3."""
    found: dict[str, list[str]] = {kind: [] for kind in network.names}
    for start in range(0, len(clips), size):
        for kind, names in network.told(for_network(clips[start : start + size])).items():
            found[kind] += names
    return found


def truth(scenes: Sequence[Scene]) -> dict[str, list[str]]:
    return {kind: [getattr(scene, kind) for scene in scenes] for kind in NAMES}


def share_of_style(network: JudgingNetwork, clips: Sequence[Tensor], style: str) -> np.ndarray:
    """Of the frames of each clip, how many are of the style.   each f h w 3 -> n"""
    found = [network.told(clip.movedim(-1, 1)[:, None].float())[STYLE] for clip in clips]
    return np.array([np.mean([name == style for name in names]) for names in found])
