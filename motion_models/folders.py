"""The folders that weights files lie in, and finding a file there by the name a widget gives."""

from __future__ import annotations

import os
from pathlib import Path

import folder_paths

MOTION_MODELS = "animatediff_models"
MOTION_LORAS = "animatediff_motion_lora"
LORAS = "loras"
CONTROL_NETS = "controlnet"

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

SHIPPED: dict[str, str] = {}
"""The same names -> a folder of the pack's own files, found out of the box; see `ship_files`."""


def register_folders() -> None:
    """Tell ComfyUI of the folders. The first of each list always, the others where they exist;
    whatever extra_model_paths.yaml or another pack has registered stays. Creates nothing on
    disk."""
    for name, places in FOLDERS.items():
        for i, place in enumerate(places):
            path = folder_path(place)
            if i == 0 or os.path.isdir(path):
                folder_paths.add_model_folder_path(name, path)
        paths, extensions = folder_paths.folder_names_and_paths[name]
        folder_paths.folder_names_and_paths[name] = (paths, set(extensions) | EXTENSIONS)


def ship_files(name: str, folder: Path) -> None:
    """Tell ComfyUI of a folder of the pack's own files. It comes last, so that nothing is written
    there and no file of the user's is hidden. Call it after `register_folders`."""
    if folder.is_dir():
        SHIPPED[name] = str(folder)
        folder_paths.add_model_folder_path(name, str(folder))


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
    check_name(name)
    wanted, known = name.replace("\\", "/"), list_files(*folders)
    for file in known:
        if file.replace("\\", "/") == wanted and (path := path_of(file, *folders)) is not None:
            return path
    home = folder_paths.get_folder_paths(folders[0])[0]
    count = len(known) - len(pack_files(*folders))
    if not count:
        if name:
            raise ValueError(
                f"{name!r} is not in {home}, and no other file of yours is. Put it there, then "
                "press R in the page to refresh."
            )
        raise ValueError(
            f"No weights file lies in {home}. Put one there, then press R in the page to refresh."
        )
    raise ValueError(
        f"{name!r} is not there; your folders for it hold {count} weights "
        f"{'file' if count == 1 else 'files'}. Choose another, or put it into {home}."
    )


def check_name(name: object) -> None:
    """Raise ValueError for what is no name, or one that no log can write: a workflow that came as
    JSON may hold anything, and a disk names that are no Unicode."""
    if not isinstance(name, str):
        raise ValueError(f"{name!r} is no name of a file. Choose one from the list.")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in name):
        raise ValueError(
            f"{name!r} is no name that can be written in Unicode. Rename the file, then press R in "
            "the page to refresh."
        )
