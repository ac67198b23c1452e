"""Puts ComfyUI and the pack on the path, ComfyUI on the CPU; see standalone/enter_comfyui.py."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent

HAS_GPU = Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None
if not HAS_GPU or version("torch").endswith("+cpu"):
    os.environ["TRITON_INTERPRET"] = "1"  # read when torch imports Triton: no GPU, so no compiler

# Nothing of the pack can be imported by name yet: giving the root a name is what this does.
sys.path.insert(0, str(TESTS.parent / "standalone"))
from enter_comfyui import enter_comfyui, register_package  # noqa: E402

enter_comfyui(cpu=True)
register_package("adk_tests", TESTS)

import torch  # noqa: E402
from adk_tests.support.marks import marks_of  # noqa: E402
from adk_tests.support.served import base, comfy, server  # noqa: E402, F401  one for all

torch.set_num_threads(1)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks by tests/support/marks.py. Tests of one file run in one process, as do those that share
    a server: one for the page, one for all others."""
    for item in items:
        for mark in marks_of(item, TESTS):
            item.add_marker(mark)
        shared = (mark for mark in ("browser", "served") if item.get_closest_marker(mark))
        item.add_marker(pytest.mark.xdist_group(next(shared, str(item.path))))
