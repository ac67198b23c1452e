"""Checkpoints of a training run: everything that the next step needs, in one safetensors file.

    weights.<name>             the trained weights
    average.<name>             their running average, where there is one
    optimizer.<name>.<entry>   the optimizer's state of each weight
    losses                     the loss of every step so far, float32; NaN where it was skipped

The rest (step, settings, scaler) is JSON in the file's metadata. A file appears under its name
whole or not at all: it is written beside it, flushed to the disk and renamed. No pickle anywhere.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from .optimizer import WeightAverage

NAME = re.compile(r"checkpoint-(\d+)\.safetensors")


@dataclass
class Checkpoint:
    """What a file holds.   identity: what a run must agree in to go on from here."""

    step: int
    identity: dict[str, Any]
    tensors: dict[str, Tensor]
    scaler: dict[str, Any] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)

    def part(self, prefix: str) -> dict[str, Tensor]:
        start = prefix + "."
        return {k.removeprefix(start): t for k, t in self.tensors.items() if k.startswith(start)}


def write_atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a file that appears at `path` whole or not at all, also when the process
    is killed or the disk is full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.touch()
        mode = beside.stat().st_mode  # what the user's umask gives; some writers give less
        write(beside)
        os.chmod(beside, mode)
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a renaming in the folder last; Windows, which opens no folders, does so by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def save(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Write a checkpoint and remove all but the newest `keep`."""
    path = folder / f"checkpoint-{checkpoint.step:08d}.safetensors"
    about = {
        "step": checkpoint.step,
        "identity": checkpoint.identity,
        "scaler": checkpoint.scaler,
        "plain": checkpoint.plain,
    }
    tensors = {key: t.detach().cpu().contiguous() for key, t in checkpoint.tensors.items()}
    metadata = {"animatediff_kit_training": json.dumps(about)}
    write_atomic(path, lambda beside: save_file(tensors, beside, metadata))
    for old in found(folder)[:-keep]:
        old.unlink(missing_ok=True)
    return path


def found(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))


def load(path: Path) -> Checkpoint:
    """Raises ValueError naming a file that is damaged or no checkpoint of a training run."""
    try:
        with safetensors.safe_open(path, "pt", device="cpu") as file:  # pyright: ignore
            about = json.loads((file.metadata() or {})["animatediff_kit_training"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}
    except (safetensors.SafetensorError, KeyError, OSError) as error:
        raise ValueError(
            f"{path.name} is no checkpoint of a training run, or is damaged ({error}). Resume from "
            f"another file in {path.parent}, or start a new run."
        ) from error
    return Checkpoint(
        about["step"], about["identity"], tensors, about["scaler"], about.get("plain", {})
    )


def check_identity(checkpoint: Checkpoint, identity: Mapping[str, Any], path: Path) -> None:
    """Raise ValueError naming what differs between the run that saved and the one that resumes."""
    for key, now in identity.items():
        then = checkpoint.identity.get(key)
        if then != now:
            raise ValueError(
                f"{path.name} cannot be resumed: its run had {key} {then!r}, this one has {now!r}. "
                "Set it as it was, or start a new run with an empty resume."
            )


def optimizer_tensors(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The optimizer's state by the weights' names: tensors, and what is plain numbers."""
    tensors: dict[str, Tensor] = {}
    plain: dict[str, Any] = {}
    for name, parameter in parameters.items():
        for entry, value in optimizer.state.get(parameter, {}).items():
            key = f"optimizer.{name}.{entry}"
            if isinstance(value, Tensor):
                tensors[key] = value
            else:
                plain[key] = value
    return tensors, plain


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, nn.Parameter],
    checkpoint: Checkpoint,
) -> None:
    entries: dict[str, Any] = {**checkpoint.part("optimizer")}
    entries.update({k.removeprefix("optimizer."): v for k, v in checkpoint.plain.items()})
    state: dict[int, dict[str, Any]] = {}
    places = {name: index for index, name in enumerate(parameters)}
    for key, value in entries.items():
        name, _, entry = key.rpartition(".")
        state.setdefault(places[name], {})[entry] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


@torch.no_grad()
def restore_weights(
    parameters: Mapping[str, nn.Parameter], average: WeightAverage | None, checkpoint: Checkpoint
) -> None:
    weights = checkpoint.part("weights")
    for name, parameter in parameters.items():
        parameter.copy_(weights[name])
    if average is not None:
        average.load(checkpoint.part("average"))
