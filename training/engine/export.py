"""A trained stage -> a weights file that every AnimateDiff tool reads.

The names are the authors', the scale of a LoRA is 1 and no alpha is written, which is what
AnimateDiff-Evolved, diffusers and the authors' own loader expect. diffusers' spelling is the other
choice for what belongs to the motion model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain, count
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from ...motion_models.folders import LORAS, MOTION_LORAS, MOTION_MODELS
from ...motion_models.layouts import to_diffusers
from ...motion_models.model import MotionModel
from ...motion_models.modules import PositionalEncoding
from ..files.atomic import save_new_tensors, save_tensors
from ..models.axes import axis_tensors
from ..models.pia_stage import whole_convolution
from ..models.stages import DOMAIN_ADAPTER, MOTION_LORA, MOTION_MODULE, PIA, WHOLE
from .clip_loss import ClipLoss
from .exported import at_strength
from .file_about import Calibration, metadata
from .loop import Run
from .lora_settings import names_in

LONGEST = 200
"""Bytes of a name. File systems allow 255, of which a file in the making takes some."""

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names of devices on Windows."""

SPELLINGS = ("official", "diffusers")

FOLDERS = {
    # stage -> ComfyUI's name of the folder that such files lie in
    DOMAIN_ADAPTER: LORAS,
    MOTION_MODULE: MOTION_MODELS,
    MOTION_LORA: MOTION_LORAS,
    PIA: MOTION_MODELS,
}


def file_tensors(
    run: Run[ClipLoss], spelling: str = "official", strength: float = 1.0
) -> dict[str, Tensor]:
    """What the stage's file holds, float32 on the CPU.   strength: what a LoRA does at strength 1
    in the file. Raises ValueError for an unknown spelling."""
    if spelling not in SPELLINGS:
        raise ValueError(f"{spelling!r} is no spelling; choose one of {', '.join(SPELLINGS)}.")
    tensors = {k: t.detach().float().cpu().contiguous() for k, t in run.weights().items()}
    scale = run.loss.trainee.scale
    if scale != 1.0:
        tensors = {k: t * scale if k.endswith("up.weight") else t for k, t in tensors.items()}
    tensors = at_strength(tensors, strength)
    motion = run.loss.trainee.denoiser.motion
    if run.loss.trainee.stage in WHOLE and motion is not None:
        tensors.update(position_tables(motion))
    if run.loss.trainee.stage == PIA:
        tensors.update(whole_convolution(run.loss.trainee.denoiser, tensors))
    if spelling == "official":
        return tensors
    if run.loss.trainee.stage == DOMAIN_ADAPTER:  # its names are diffusers' already
        return {f"unet.{key}": t for key, t in tensors.items()}
    named = {to_diffusers(key): t for key, t in tensors.items()}
    prefix = "unet." if run.loss.trainee.stage == MOTION_LORA else ""
    return {prefix + key: t for key, t in named.items() if key is not None}


def position_tables(motion: MotionModel) -> dict[str, Tensor]:
    """The tables of positions, by which loaders tell how many frames the model knows."""
    return {
        f"{name}.pe": encoder.pe.detach().float().cpu().clone()
        for name, encoder in motion.named_modules()
        if isinstance(encoder, PositionalEncoding)
    }


def save_weights(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Write a safetensors file that appears whole or not at all."""
    save_tensors(path, dict(tensors), dict(about))


def check_name(name: str) -> None:
    """Raise ValueError for a name that would leave its folder, or that some system cannot have."""
    if not re.fullmatch(r"[\w][\w .+-]*", name):
        raise ValueError(
            f"{name!r} is no name for a file; use letters, digits, spaces, dots, - and _, such as "
            "zoom_in."
        )
    if len(name.encode()) > LONGEST:
        raise ValueError(
            f"The name {name[:20]!r}... has {len(name.encode())} bytes; files are written under "
            f"names of {LONGEST} at most, which leaves room for their numbers. Shorten it."
        )
    if name.endswith((".", " ")) or RESERVED.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name for a file on Windows, where other people may use it. Choose "
            "another, such as zoom_in."
        )


def name_of_move(name: str, move: str) -> str:
    """Of the file of one move of a camera's axes."""
    return f"{name}_{move.replace(' ', '_')}"


def paths_for(folder: Path, name: str) -> Iterator[Path]:
    """`folder/name.safetensors`, and then with a number behind the name. Raises ValueError."""
    check_name(name)
    numbered = (folder / f"{name}_{number}.safetensors" for number in count(2))
    return chain([folder / f"{name}.safetensors"], numbered)


def export(
    run: Run[ClipLoss],
    folder: Path,
    name: str,
    spelling: str = "official",
    calibration: Calibration | None = None,
) -> Path:
    """Write the stage's file and return its path; where one of that name lies, it gets a number.
    Of axes there are two files each, `<name>_<move>`; the path is the first one's.

    Raises ValueError where it cannot be written. What was trained stays in the run's checkpoint.
    """
    strength = calibration.strength if calibration and calibration.applied else 1.0
    with torch.no_grad():
        tensors = file_tensors(run, spelling, strength)
    about = metadata(run, name, calibration)
    amounts = run.loss.trainee.amounts
    if amounts is None:
        return write(run, folder, name, tensors, about)
    moves = axis_tensors(tensors, amounts.axes.moves)
    written = [
        write(
            run,
            folder,
            name_of_move(name, move),
            of_move,
            {**about, "camera_move": move},
        )
        for move, of_move in moves.items()
    ]
    return written[0]


def write(
    run: Run[ClipLoss],
    folder: Path,
    name: str,
    tensors: dict[str, Tensor],
    about: Mapping[str, str],
) -> Path:
    """One file. Raises ValueError where it cannot be written."""
    paths = paths_for(folder, name)
    try:
        return save_new_tensors(paths, tensors, dict(about))
    except (OSError, SafetensorError) as error:
        size = sum(t.numel() * t.element_size() for t in tensors.values()) / 1e6
        raise ValueError(
            f"{name}.safetensors could not be written into {folder}, where it needs {size:.1f} MB "
            f"({error}); what was trained is safe in {run.folder}, so {how_to_write_it(run)}."
        ) from error


def how_to_write_it(run: Run[ClipLoss]) -> str:
    """What its user does for the file of a run that has ended. One that was ended early would train
    on; with no more steps than it took it does not, where a schedule that falls, or a warm-up, lets
    it have fewer."""
    settings = run.settings
    if run.step == settings.steps:
        return "make room and resume the run, which has no step left and writes the file at once"
    fewer = ["steps", *(["warmup"] if settings.warmup > run.step else [])]
    decide = settings.decides()
    named = [*names_in(settings.resume_changes), *(name for name in fewer if name in decide)]
    changes = [f"{name} to {run.step}" for name in fewer]
    if len(named) > len(names_in(settings.resume_changes)):
        changes.append(f"resume_changes to {', '.join(named)}")
    return f"make room, set {' and '.join(changes)}, and resume the run, which then writes the file"
