"""A ComfyUI installation of empty folders, for tests of what is found in them."""

from __future__ import annotations

from pathlib import Path

import folder_paths
import pytest
from animatediff_kit.motion_models import folders
from animatediff_kit.motion_models.folders import SHIPPED
from animatediff_kit.small_world import files as small_world

small_world.register_folders()  # tests name the pack's own files before they register any


def install(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ComfyUI's folders below `root`, none of them made; undone when the test ends."""
    known = {"custom_nodes": ([str(root / "custom_nodes")], set())}
    for name in ("loras", "controlnet"):
        extensions = set(folder_paths.supported_pt_extensions)
        known[name] = ([str(root / "models" / name)], extensions)
    monkeypatch.setattr(folder_paths, "models_dir", str(root / "models"))
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", known)
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    return root / "models"


def register_folders() -> None:
    """As the pack does when ComfyUI loads it."""
    folders.register_folders()
    small_world.register_folders()


def contents(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def shipped(name: str) -> list[str]:
    """Files that the pack brings into a folder of ComfyUI's, in the order of combos."""
    return sorted(file.name for file in Path(SHIPPED[name]).iterdir())
