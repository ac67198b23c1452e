"""Reading weights files so that nothing bad gets through: no code, no damage, no NaN, nothing
that fills memory."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import comfy.utils
from torch import Tensor

from .headers import check_header
from .quantised import decoded
from .sound import check_finite, check_plain

PACKINGS = ("state_dict", "module", "model", "unet", "controlnet")
"""Entries under which training scripts nest the weights."""

SIDE_BY_SIDE = ("pose_encoder_state_dict", "attention_processor_state_dict")
"""Entries that hold one file's weights together (CameraCtrl)."""

DEEPEST = 8
"""Mappings in one another that a file may have; real ones have two or three."""

CODE = re.compile(r"GLOBAL (?P<name>[\w.]+)")
"""How torch's weights-only reader names the function or class that a pickle wants called."""


def read_weights(path: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a weights file by name, nesting undone and 8 bits with scales decoded, and its
    metadata (safetensors alone has any).

    Pickles are opened with torch's weights-only reader: code in them is never run. Raises
    ValueError with the file's name when it is not there, truncated, no weights file, a pickle with
    code, and when it holds what is no plain tensor, or would grow in memory (headers.py).
    """
    name = Path(path).name
    if not os.path.isfile(path):
        folder = os.path.dirname(path)
        raise ValueError(f"No file {name} lies in {folder}. Put it there, or name another.")
    check_header(path, name)
    try:
        content, metadata = comfy.utils.load_torch_file(path, safe_load=True, return_metadata=True)
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle fails anywhere: IndexError, struct.error, ...
        found = CODE.search(str(error)) if isinstance(error, pickle.UnpicklingError) else None
        raise (runs_code(name, found["name"]) if found else unreadable(name, path)) from error
    tensors = flatten(content, name)
    if not tensors:
        raise ValueError(
            f"{name} holds no tensors. Choose a motion model, a MotionLoRA or a domain adapter."
        )
    check_plain(tensors, name)
    about = dict(metadata or {})
    return decoded(tensors, about, name), about


def read_finite(path: str) -> dict[str, Tensor]:
    """The tensors of a weights file. Raises ValueError as `read_weights` and `check_finite` do."""
    tensors, _ = read_weights(path)
    check_finite(tensors, Path(path).name)
    return tensors


def runs_code(name: str, function: str) -> ValueError:
    return ValueError(
        f"{name} asks to run code while it is opened ({function}), so it was not opened and "
        "nothing ran. Get the weights as .safetensors, or from their author."
    )


def unreadable(name: str, path: str) -> ValueError:
    size = os.path.getsize(path)
    return ValueError(
        f"{name} ({size:,} bytes) cannot be read as a weights file; it is incomplete, damaged, or "
        "of another kind than its extension says. Download it again and compare the size."
    )


def flatten(content: Any, name: str = "The file") -> dict[str, Tensor]:
    """The innermost mapping of names to tensors; whatever is no tensor (epoch, step, configs) is
    left out. Raises ValueError for mappings that are nested too deep, or in themselves."""
    for _ in range(DEEPEST):
        if not isinstance(content, Mapping):
            return {}
        if all(isinstance(content.get(part), Mapping) for part in SIDE_BY_SIDE):
            content = {k: v for part in SIDE_BY_SIDE for k, v in content[part].items()}
        inner = next((content[p] for p in PACKINGS if isinstance(content.get(p), Mapping)), None)
        if inner is None:
            return {printable(k): v.detach() for k, v in content.items() if isinstance(v, Tensor)}
        content = inner
    raise ValueError(
        f"{name} holds its weights nested more than {DEEPEST} deep, or nested in themselves. Get "
        "them as .safetensors, or from their author."
    )


def printable(key: Any) -> str:
    """A tensor's name; half characters, which a pickle can hold and no log can write, are spelled
    out."""
    return str(key).encode("utf-8", "backslashreplace").decode()
