"""Weights files on disk: the folders they lie in, and reading them so that nothing bad gets
through."""

from __future__ import annotations

import logging
import os
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import comfy.utils
import folder_paths
import torch
from torch import Tensor

log = logging.getLogger(__name__)

MOTION_MODELS = "animatediff_models"
MOTION_LORAS = "animatediff_motion_lora"
LORAS = "loras"

EXTENSIONS = {".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin"}

FOLDERS: dict[str, tuple[str, ...]] = {
    # ComfyUI's name of the folder -> where people keep such files, below models/ or custom_nodes/
    MOTION_MODELS: (
        "models/animatediff_models",
        "models/AnimateDiff",
        "custom_nodes/ComfyUI-AnimateDiff-Evolved/models",
        "custom_nodes/comfyui-animatediff-evolved/models",
        "custom_nodes/comfyui-animatediff/models",
    ),
    MOTION_LORAS: (
        "models/animatediff_motion_lora",
        "models/AnimateDiffLora",
        "custom_nodes/ComfyUI-AnimateDiff-Evolved/motion_lora",
        "custom_nodes/comfyui-animatediff-evolved/motion_lora",
        "custom_nodes/comfyui-animatediff/loras",
    ),
}

WEIGHTS = Path(__file__).resolve().parents[1] / "small_world" / "weights"

SHIPPED = {
    # the same names -> the pack's own files, found out of the box
    MOTION_MODELS: str(WEIGHTS / "motion_models"),
    MOTION_LORAS: str(WEIGHTS / "motion_loras"),
    LORAS: str(WEIGHTS / "loras"),
}

PACKINGS = ("state_dict", "module", "model", "unet", "controlnet")
"""Entries under which training scripts nest the weights."""

CODE = re.compile(r"GLOBAL (?P<name>[\w.]+)")
"""How torch's weights-only reader names the function or class that a pickle wants called."""


def register_folders() -> None:
    """Tell ComfyUI of the folders. The first of each list always, the others where they exist, the
    pack's own last, so that nothing is written there and no file of the user's is hidden; whatever
    extra_model_paths.yaml or another pack has registered stays. Creates nothing on disk."""
    for name, places in FOLDERS.items():
        for i, place in enumerate(places):
            path = folder_path(place)
            if i == 0 or os.path.isdir(path):
                folder_paths.add_model_folder_path(name, path)
        paths, extensions = folder_paths.folder_names_and_paths[name]
        folder_paths.folder_names_and_paths[name] = (paths, set(extensions) | EXTENSIONS)
    for name, path in SHIPPED.items():
        if os.path.isdir(path):
            folder_paths.add_model_folder_path(name, path)


def folder_path(place: str) -> str:
    """`models/x` or `custom_nodes/x` -> its path in this installation."""
    root, rest = place.split("/", 1)
    parent = folder_paths.models_dir if root == "models" else folder_paths.get_folder_paths(root)[0]
    return os.path.join(parent, *rest.split("/"))


def list_files(*folders: str) -> list[str]:
    """Names of the weights files in folders of ComfyUI's, sub-folders included, each name once;
    those of the pack come last."""
    names = dict.fromkeys(name for f in folders for name in folder_paths.get_filename_list(f))
    ours = pack_files(*folders)
    return sorted(names, key=ours.__contains__)


def pack_files(*folders: str) -> set[str]:
    """Names that mean files of the pack's own, since none of the user's has them."""
    names = {file.name for place in SHIPPED.values() for file in Path(place).glob("*")}
    paths = {name: path_of(name, *folders) for name in names}
    return {name for name, path in paths.items() if path is not None and ships(path)}


def ships(path: str) -> bool:
    return os.path.dirname(path) in SHIPPED.values()


def path_of(name: str, *folders: str) -> str | None:
    """Where the file of exactly this name lies; the user's goes before the pack's."""
    paths = [folder_paths.get_full_path(folder, name) for folder in folders]
    return min((path for path in paths if path is not None), key=ships, default=None)


def find_file(name: str, *folders: str) -> str:
    """Full path of a file that a widget names; `/` and `\\` are the same, so that workflows travel.

    Raises ValueError that names the folder when there is no such file, or none of the user's at
    all.
    """
    wanted, known = name.replace("\\", "/"), list_files(*folders)
    for file in known:
        if file.replace("\\", "/") == wanted and (path := path_of(file, *folders)) is not None:
            return path
    home = folder_paths.get_folder_paths(folders[0])[0]
    count = len(known) - len(pack_files(*folders))
    if not count:
        raise ValueError(
            f"No weights file lies in {home}. Put one there, then press R in the page to refresh."
        )
    raise ValueError(
        f"{name!r} is not there; your folders for it hold {count} weights "
        f"{'file' if count == 1 else 'files'}. Choose another, or put it into {home}."
    )


def read_weights(path: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a weights file by name, nesting undone, and its metadata (safetensors alone
    has any).

    Pickles are opened with torch's weights-only reader: code in them is never run. Raises
    ValueError with the file's name when it is not there, truncated, no weights file, or a pickle
    with code.
    """
    name = Path(path).name
    if not os.path.isfile(path):
        folder = os.path.dirname(path)
        raise ValueError(f"No file {name} lies in {folder}. Put it there, or name another.")
    try:
        content, metadata = comfy.utils.load_torch_file(path, safe_load=True, return_metadata=True)
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle fails anywhere: IndexError, struct.error, ...
        found = CODE.search(str(error)) if isinstance(error, pickle.UnpicklingError) else None
        raise (runs_code(name, found["name"]) if found else unreadable(name, path)) from error
    tensors = flatten(content)
    if not tensors:
        raise ValueError(
            f"{name} holds no tensors. Choose a motion model, a MotionLoRA or a domain adapter."
        )
    return tensors, dict(metadata or {})


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


def flatten(content: Any) -> dict[str, Tensor]:
    """The innermost mapping of names to tensors; whatever is no tensor (epoch, step, configs) is
    left out."""
    while isinstance(content, Mapping):
        inner = next((content[p] for p in PACKINGS if isinstance(content.get(p), Mapping)), None)
        if inner is None:
            return {str(k): v.detach() for k, v in content.items() if isinstance(v, Tensor)}
        content = inner
    return {}


def check_finite(weights: Mapping[str, Tensor], name: str) -> None:
    """Raise ValueError if a weight is NaN or infinite, which would turn every frame black."""
    for key, weight in weights.items():
        values = weight.float() if weight.element_size() == 1 else weight
        if not torch.isfinite(values).all():
            raise ValueError(
                f"{name} holds NaN or infinite weights, in {key} for one. Download it again."
            )
