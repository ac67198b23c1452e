"""Lets a script or a test use the pack and ComfyUI's classes in its own process, without the
server.

The repository root is a package (ComfyUI imports it as one) whose folder may have any name, and it
holds a `nodes` that must not hide ComfyUI's own. So the root is never put on the path: its parts
are imported as `animatediff_kit.motion_models` and so on.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN_COMFYUI = ROOT / ".comfy" / "ComfyUI"
PARENT_COMFYUI = ROOT.parent.parent
"""Where ComfyUI lies when the pack is installed in its custom_nodes."""


def comfyui_folder() -> Path:
    """What ADK_COMFYUI names, else what `run.py` fetched, else the one that holds the pack."""
    if "ADK_COMFYUI" in os.environ:
        return Path(os.environ["ADK_COMFYUI"]).expanduser().resolve()
    installed = ROOT.parent.name == "custom_nodes" and (PARENT_COMFYUI / "main.py").is_file()
    own = (OWN_COMFYUI / "main.py").is_file()
    return PARENT_COMFYUI if installed and not own else OWN_COMFYUI


COMFYUI = comfyui_folder()


def register_package(name: str, folder: Path) -> None:
    """Give a folder a name that it can be imported by, wherever it lies."""
    package = types.ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package


def mend_imports() -> None:
    """Let ComfyUI import where torchvision, or torchaudio, is not built for this torch."""
    parts = "animatediff_kit.standalone"
    importlib.import_module(f"{parts}.torchvision_schemas").define_missing_schemas()
    if COMFYUI != OWN_COMFYUI:  # 0.3.75 runs without torchaudio, a newer one does not
        importlib.import_module(f"{parts}.empty_torchaudio").define_empty_torchaudio()


def enter_comfyui(cpu: bool | None = None) -> None:
    """Make `animatediff_kit` and ComfyUI's modules importable, with ComfyUI on the CPU or not.

    `cpu` None asks torch for a GPU, of any make. Where a server has started this process, it gets
    the server's flags (flags.py). Raises FileNotFoundError when ComfyUI is not there yet.
    """
    if not (COMFYUI / "main.py").is_file():
        raise FileNotFoundError(f"No ComfyUI lies in {COMFYUI}. Run `python run.py demo` once.")
    register_package("animatediff_kit", ROOT)
    sys.path.insert(0, str(COMFYUI))
    mend_imports()
    importlib.import_module("comfy.options")  # keeps ComfyUI from reading our command line
    arguments = importlib.import_module("comfy.cli_args").args
    if cpu is None:
        accelerator = importlib.import_module("animatediff_kit.standalone.accelerator")
        cpu = not accelerator.has_accelerator(importlib.import_module("torch"))
    arguments.cpu = cpu
    importlib.import_module("animatediff_kit.standalone.flags").take_flags(arguments)
