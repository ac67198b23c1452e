"""The rooms of the house, and which may import from which.

docs/architecture.md shows the same to people; test_pages.py holds the two together.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TRAINING = ("training/data", "training/engine", "training/files", "training/models", "training/run")

ARROWS: dict[str, tuple[str, ...]] = {
    # the house
    "nodes": (
        "lockstep",
        "sampling",
        "training/data",
        "training/engine",
        "training/files",
        "training/models",
        "training/run",
        "measures",
        "motion_models",
        "small_world",
    ),
    "lockstep": (),
    "sampling": ("motion_models",),
    "training/run": (
        "training/data",
        "training/engine",
        "training/files",
        "training/models",
        "measures",
        "motion_models",
    ),
    "training/engine": ("training/files", "training/models", "motion_models"),
    "training/models": ("training/files", "motion_models"),
    "training/data": ("training/files",),
    "training/files": (),
    "measures": (),
    "motion_models": (),
    # the yard
    "small_world": (*TRAINING, "motion_models", "standalone"),
    "benchmarks": (
        "nodes",
        "lockstep",
        "sampling",
        "training/data",
        "training/engine",
        "training/files",
        "training/models",
        "training/run",
        "measures",
        "motion_models",
        "small_world",
        "conversion",
        "launcher",
        "standalone",
    ),
    "graphs": ("launcher",),
    "conversion": (),
    "examples": ("launcher",),
    "fleet": ("launcher",),
    "launcher": ("conversion",),
    "standalone": (),
}
"""Room -> the rooms that it imports from."""

KEEPS_OUT: dict[str, tuple[str, ...]] = {
    "measures": ("comfy", "comfy_api", "folder_paths"),
    "training/files": ("comfy", "comfy_api", "folder_paths"),
    "launcher": ("comfy", "comfy_api", "folder_paths", "numpy"),
    "fleet": ("torch", "comfy", "comfy_api", "folder_paths", "numpy"),
    "graphs": ("torch", "comfy", "comfy_api", "folder_paths", "numpy"),
    "conversion": ("torch", "comfy", "comfy_api", "folder_paths", "numpy", "PIL"),
    "motion_models": ("comfy_api", "server"),
    "sampling": ("comfy_api", "server"),
}
"""Room -> packages that it does without: it is pure, runs without them, or leaves them to nodes."""


def modules() -> list[Path]:
    """Every Python file of the house and the yard, tests apart, from the root on."""
    folders = [place.name for place in ROOT.iterdir() if place.is_dir()]
    inside = [f for name in folders if name != "tests" and name[0] != "." for f in below(name)]
    return sorted([*(file.relative_to(ROOT) for file in ROOT.glob("*.py")), *inside])


def below(folder: str) -> list[Path]:
    return [file.relative_to(ROOT) for file in (ROOT / folder).rglob("*.py")]


def room_of(path: Path | str) -> str | None:
    """The room that a file or folder lies in: the longest that fits, None outside of all."""
    parts = Path(path).parts
    for depth in (2, 1):
        room = "/".join(parts[:depth])
        if room in ARROWS:
            return room
    return None
