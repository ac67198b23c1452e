"""Checkpoints of a training run: everything that the next step needs, in one safetensors file.

    weights.<name>             the trained weights
    average.<name>             their running average, where there is one
    optimizer.<name>.<entry>   the optimizer's state of each weight
    losses                     the loss of every step so far, float64; NaN where it was skipped

The rest (step, settings, scaler) is JSON in the file's metadata. A file appears under its name
whole or not at all: it is written beside it, flushed to the disk and renamed. No pickle anywhere.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor, nn

from ..files.atomic import remove_left, save_tensors
from ..files.remove_old import remove_old
from .optimizer import WeightAverage

log = logging.getLogger(__name__)

NAME = re.compile(r"checkpoint-(\d+)\.safetensors")

GROUPS = "groups"
GROUP_STATE = ("d", "d0", "d_max", "d_numerator", "d_denom", "d_hat", "k", "lr_max", "weight_sum")
"""Numbers that Prodigy and schedule-free optimizers keep beside the state of single weights."""

EPS2 = "eps2"
"""Of Adafactor's groups, which say how long its steps are. A file without it is of a version that
had torch's own, and its run goes on with that."""
TORCHS_EPS2 = 1e-3


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


def save(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Write a checkpoint and remove all but the newest `keep` up to it. Later ones, of a run that
    was gone back behind, stay.

    Raises ValueError where it cannot be written; those that are there stay.
    """
    path = folder / f"checkpoint-{checkpoint.step:08d}.safetensors"
    about = {
        "step": checkpoint.step,
        "identity": checkpoint.identity,
        "scaler": checkpoint.scaler,
        "plain": checkpoint.plain,
    }
    tensors = unshared(checkpoint.tensors)
    metadata = {"animatediff_kit_training": json.dumps(about)}
    try:
        remove_left(folder, ".checkpoint-")
        save_tensors(path, tensors, metadata)
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(
            f"{path.name} could not be written into {folder} ({error}). Make room there and resume "
            "from the last checkpoint; those that are there are whole."
        ) from error
    remove_old([other for other in found(folder) if other.name <= path.name][:-keep])
    return path


def unshared(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """On the CPU, each with memory of its own: the 8-bit AdamW shares one table between its states,
    which safetensors refuses to write."""
    owned: dict[str, Tensor] = {}
    seen: set[int] = set()
    for key, tensor in tensors.items():
        value = tensor.detach().cpu().contiguous()
        owned[key] = value.clone() if value.data_ptr() in seen else value
        seen.add(owned[key].data_ptr())
    return owned


def found(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if NAME.fullmatch(p.name) and p.is_file())


def load(path: Path) -> Checkpoint:
    """Raises ValueError naming a file that is damaged or no checkpoint of a training run."""
    with opened(path) as (file, about):
        tensors = {key: file.get_tensor(key) for key in file.keys()}
        return Checkpoint(
            about["step"], about["identity"], tensors, about["scaler"], about["plain"]
        )


def read_identity(path: Path) -> dict[str, Any]:
    """What a run must agree in to go on from a checkpoint, without reading its tensors. Raises
    ValueError as `load` does."""
    with opened(path) as (_, about):
        return dict(about["identity"])


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A checkpoint's tensors, to be read, and what it says beside them."""
    try:
        with safetensors.safe_open(path, "pt", device="cpu") as file:  # pyright: ignore
            yield file, json.loads((file.metadata() or {})["animatediff_kit_training"])
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise ValueError(
            f"{path.name} is no checkpoint of a training run, or is damaged ({error}). Resume from "
            f"another file in {path.parent}, or start a new run."
        ) from error


def optimizer_tensors(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The optimizer's state by the weights' names: tensors, and what is plain numbers."""
    tensors: dict[str, Tensor] = {}
    groups = [
        {key: plain_number(group[key]) for key in GROUP_STATE if key in group} | eps_of(group)
        for group in optimizer.param_groups
    ]
    plain: dict[str, Any] = {GROUPS: groups} if any(groups) else {}
    for name, parameter in parameters.items():
        for entry, value in optimizer.state.get(parameter, {}).items():
            key = f"optimizer.{name}.{entry}"
            if isinstance(value, Tensor):
                tensors[key] = value
            else:
                plain[key] = value
    return tensors, plain


def eps_of(group: Mapping[str, Any]) -> dict[str, float]:
    eps = group.get("eps")
    return {EPS2: eps[1]} if isinstance(eps, tuple) else {}


def plain_number(value: Any) -> int | float:
    return value if isinstance(value, int) else float(value)


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, nn.Parameter],
    checkpoint: Checkpoint,
) -> None:
    entries: dict[str, Any] = {**checkpoint.part("optimizer")}
    plain = {k: v for k, v in checkpoint.plain.items() if k != GROUPS}
    entries.update({k.removeprefix("optimizer."): v for k, v in plain.items()})
    state: dict[int, dict[str, Any]] = {}
    grouped = [id(p) for group in optimizer.param_groups for p in group["params"]]
    places = {name: grouped.index(id(p)) for name, p in parameters.items()}
    for key, value in entries.items():
        name, _, entry = key.rpartition(".")
        state.setdefault(places[name], {})[entry] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    groups = optimizer.param_groups
    kept = checkpoint.plain.get(GROUPS) or [{} for _ in groups]
    for group, then in zip(groups, kept, strict=False):
        if isinstance(group.get("eps"), tuple):
            group["eps"] = (group["eps"][0], then.get(EPS2, TORCHS_EPS2))
        group.update({key: value for key, value in then.items() if key != EPS2})


def begins_anew(optimizer: torch.optim.Optimizer, checkpoint: Checkpoint, name: str) -> list[str]:
    """Why the optimizer, by its name in the settings, cannot take over the checkpoint's state, in a
    sentence that is warned of too; empty where it can."""
    was = checkpoint.identity.get("optimizer", name)
    then, now = len(checkpoint.plain.get(GROUPS, [])), len(optimizer.param_groups)
    if was == name and then in (0, now):
        return []
    why = f"that of {was}" if was != name else "that of weights in groups of another lora_plus"
    text = (
        f"The optimizer {name} begins anew after step {checkpoint.step}: the checkpoint's state is "
        f"{why}."
    )
    log.warning(text)
    return [text]


@torch.no_grad()
def restore_weights(
    parameters: Mapping[str, nn.Parameter], average: WeightAverage | None, checkpoint: Checkpoint
) -> list[str]:
    """An average that the checkpoint lacks begins with the weights.   -> that it does so, in a
    sentence that is warned of too. Raises ValueError, before anything is changed, for the weights
    of another model."""
    weights = checkpoint.part("weights")
    averages = checkpoint.part("average") if average is not None else {}
    for saved in (weights, averages or weights):
        check_shapes(parameters, saved)
    for name, parameter in parameters.items():
        parameter.copy_(weights[name])
    if average is not None:
        average.load(averages or weights)
    if average is None or averages:
        return []
    text = (
        f"The average of the weights begins after step {checkpoint.step}, with the weights as they "
        "were then: the checkpoint holds none."
    )
    log.warning(text)
    return [text]


def check_shapes(parameters: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> None:
    """Raise ValueError where the tensors are not those of one model."""
    for name in {**parameters, **saved}:
        there, here = (
            list(tensors[name].shape) if name in tensors else "nothing"
            for tensors in (saved, parameters)
        )
        if there != here:
            raise ValueError(
                f"The checkpoint is of another model: at {name} it holds {there}, where this one "
                f"has {here}. Load the models that it was trained on, or start a new run."
            )
