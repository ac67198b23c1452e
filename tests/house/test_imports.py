"""Imports run one way, from room to room, as rooms.py says."""

from __future__ import annotations

from pathlib import Path

import pytest
from adk_tests.house.imports import imports
from adk_tests.house.rooms import ARROWS, KEEPS_OUT, ROOT, below, modules, room_of


def imported(room: str) -> list[tuple[str, str]]:
    """(where, what) of everything that the files of a room import."""
    files = [path for path in below(room) if room_of(path) == room]
    return [
        (f"{path}:{line}", module)
        for path in files
        for line, module in imports(path, (ROOT / path).read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("room", ARROWS)
def test_a_room_imports_from_its_table_alone(room: str) -> None:
    wrong = [
        f"{where} imports {module}"
        for where, module in imported(room)
        if room_of(module) not in (None, room, *ARROWS[room])
    ]
    assert not wrong


@pytest.mark.parametrize("room", ARROWS)
def test_no_arrow_is_left_that_nobody_takes(room: str) -> None:
    taken = {room_of(module) for _, module in imported(room)}
    assert set(ARROWS[room]) <= taken


@pytest.mark.parametrize("room", KEEPS_OUT)
def test_what_a_room_does_without(room: str) -> None:
    wrong = [
        f"{where} imports {module}"
        for where, module in imported(room)
        if module.split(".")[0] in KEEPS_OUT[room]
    ]
    assert not wrong


def test_every_module_lies_in_a_room() -> None:
    outside = [path for path in modules() if room_of(path) is None]
    assert [str(path) for path in outside] == [
        "__init__.py",
        "fleet.py",
        "run.py",
        "train.py",
        "training/__init__.py",
    ]


def test_arrows_make_no_circle() -> None:
    left = dict(ARROWS)
    while left:
        free = [room for room, needs in left.items() if not set(needs) & set(left)]
        assert free, f"a circle among {sorted(left)}"
        left = {room: needs for room, needs in left.items() if room not in free}


WRITTEN = """
import torch.nn
from ..motion_models.specs import FAMILIES
from . import fuse
from animatediff_kit.nodes import animate
if TYPE_CHECKING:
    from ..training.run.plots import as_image
def late():
    importlib.import_module("..measures.flow", __package__)
    import_module(f"..{name}")
    from standalone.enter_comfyui import ROOT
"""


def test_imports_are_read_wherever_they_stand() -> None:
    found = {module for _, module in imports(Path("sampling/handler.py"), WRITTEN)}
    assert found == {
        "torch.nn",
        "motion_models/specs/FAMILIES",
        "sampling/fuse",
        "nodes/animate",
        "training/run/plots/as_image",
        "measures/flow",
        "standalone/enter_comfyui/ROOT",
    }
    assert {room_of(module) for module in found} == {
        None,
        "motion_models",
        "sampling",
        "nodes",
        "training/run",
        "measures",
        "standalone",
    }
