"""Stop rules on the small world: three moves of the camera, and their frames shuffled.

The rule was written before any of the runs, and is the same for all moves but for the amount, half
of what the clips show. Previews are those that a user would have: the first clips' captions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management as memory
import torch
from torch import Tensor

from ...motion_models.load import load_motion_model
from ...small_world import files
from ...small_world.encoded import encoded
from ...small_world.world_clips import WorldClips
from ...training.engine import stop_rules
from ...training.engine.checkpoints import found
from ...training.engine.clip_loss import ClipLoss
from ...training.engine.config import TrainingSettings
from ...training.engine.looks import Look
from ...training.engine.loop import Report, Run
from ...training.files.text import read_text
from ...training.models import stages
from ...training.models.conditioning import ModelInputs
from ...training.models.stages import DeviceAndDtype
from ...training.run.eyes import Eyes
from ...training.run.look_files import read_looks
from ...training.run.look_plot import draw_looks
from ...training.run.lookout import Lookout
from ...training.run.run_log import RunLog
from ...training.run.toml_tables import toml_reader
from ...training.run.watchers import InTurn

HALF = {
    # a move -> half of what its clips show at the amount 1: motions.MOVES, in the rules' units
    "pan left": 0.15,
    "zoom in": 0.2,
    "roll clockwise": 13.0,
}
RULE = "7 of 8 previews {move} by at least {half:g}, off axis below 0.5, 2 times in a row"

SHUFFLED = "shuffled"
RUNS = [*HALF, *(f"{move}, {SHUFFLED}" for move in HALF)]

CLIPS, STEPS, EVERY = 50, 400, 20
WITHIN = 0.1
"""Of the reader's step: how far from it the rule may stop."""

RECIPE: dict[str, Any] = dict(
    steps=STEPS,
    batch_size=4,
    learning_rate=3e-3,
    warmup=20,
    ema=0.97,
    debias=1.0,
    min_timestep=850,
    snr_gamma=0.001,
    gradient_checkpointing=False,
    save_every=EVERY,
    preview_every=EVERY,
    keep=1,
    held_out=0.1,
    tensorboard="off",
)
"""The first of the small world's runs for a move, at a constant rate."""


class Shuffled(WorldClips):
    """The frames of each clip in an order of its own: nothing is left to learn of a move."""

    def description(self) -> dict[str, Any]:
        return {**super().description(), SHUFFLED: True}

    def identity(self, index: int) -> dict[str, Any]:
        return {**super().identity(index), SHUFFLED: True}

    def frames(self, index: int) -> Iterator[Tensor]:
        frames = list(super().frames(index))
        generator = torch.Generator().manual_seed(index)
        for place in torch.randperm(len(frames), generator=generator).tolist():
            yield frames[place]


def move_of(name: str) -> str:
    return name.split(",")[0]


def rule_of(name: str) -> str:
    return RULE.format(move=move_of(name), half=HALF[move_of(name)])


def folder_of(runs: Path, name: str) -> Path:
    return runs / name.replace(",", "").replace(" ", "_")


class OutOfTime(Exception):
    """No step begins any more."""


@dataclass
class Deadline:
    end: float

    def __call__(self, report: Report) -> None:
        if time.monotonic() > self.end:
            raise OutOfTime


def train(runs: Path, hours: float, only: str = "") -> None:
    deadline = Deadline(time.monotonic() + 3600 * hours)
    for name in [only] if only else RUNS:
        try:
            train_one(runs, name, deadline)
        except OutOfTime:
            return


def train_one(runs: Path, name: str, deadline: Deadline) -> None:
    model, clip, vae = files.load(files.BASE)
    kind = Shuffled if SHUFFLED in name else WorldClips
    folder = folder_of(runs, name)
    clips = encoded(kind(move_of(name), CLIPS, seed=0), vae, clip, folder / "clips")
    settings = TrainingSettings(**RECIPE, stop_rules=rule_of(name))
    motion = load_motion_model(str(files.MOTION_MODELS / files.MOTION_MODEL))
    where = DeviceAndDtype(memory.get_torch_device(), torch.float32)
    trainee = stages.motion_lora(model, motion, 8, settings.seed, where)
    run = Run(ClipLoss(trainee, clips, ModelInputs(model), settings), folder)
    if there := found(folder):
        run.resume(there[-1])
    if run.step < STEPS:
        record = RunLog(run, name)
        run.watch = InTurn(Lookout(run, Eyes(vae), record.note), record, deadline)
        run.train()


def ended_at(name: str, looks: Sequence[Look]) -> int | None:
    """The step at which the rule would have ended the run; None where it never would."""
    rules = stop_rules.parse(rule_of(name))
    steps = (looks[i].step for i in range(len(looks)) if rules.met(looks[: i + 1]))
    return next(steps, None)


def choices(runs: Path) -> dict[str, int]:
    """What a person chose by the curves alone."""
    path = runs / "choices.toml"
    return toml_reader().loads(read_text(path, path.name)) if path.is_file() else {}


def tell(runs: Path) -> str:
    """A table of all runs; each one's curves are drawn into its folder."""
    rows = [
        "| run | steps | a person stops at | the rule stops at | apart |",
        "|---|---|---|---|---|",
    ]
    for name in RUNS:
        folder = folder_of(runs, name)
        looks = read_looks(folder, STEPS) if folder.is_dir() else []
        picture = draw_looks(looks, STEPS)
        if picture is not None:
            picture.save(folder / "curves.png")
        rows.append(row(name, looks, choices(runs).get(name)))
    return "\n".join(rows)


def row(name: str, looks: Sequence[Look], chosen: int | None) -> str:
    ended = ended_at(name, looks)
    steps = looks[-1].step if looks else 0
    verdict = verdict_on(name, steps, ended, chosen)
    return f"| {name} | {steps} | {chosen or 'not said'} | {ended or 'never'} | {verdict} |"


def verdict_on(name: str, steps: int, ended: int | None, chosen: int | None) -> str:
    """Whether the rule ended the run near the step that the reader chose; of shuffled frames, that
    it never did."""
    if SHUFFLED in name:
        return "" if not steps else "not" if ended else "as it must be"
    if ended is None or not chosen:
        return ""
    apart = (ended - chosen) / chosen
    return f"{apart:+.0%}, {'within' if abs(apart) <= WITHIN else 'not'}"
