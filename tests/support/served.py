"""A real ComfyUI server for each process of the session that needs one, with the pack in it and the
stand-in weights: fixtures for every room whose tests talk to a server."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from adk_tests.stand_in import files as stand_in
from animatediff_kit.launcher import comfyui
from animatediff_kit.launcher.comfyui import ComfyUI
from animatediff_kit.launcher.server import Server
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
FRAME_PATCH = ROOT / "tests" / "integration" / "frame_patch"


@pytest.fixture(scope="session")
def comfy() -> ComfyUI:
    """The ComfyUI that the tests import, run by the interpreter that runs the tests."""
    folder = Path(os.environ.get("ADK_COMFYUI", ROOT / ".comfy" / "ComfyUI")).resolve()
    return ComfyUI(folder, Path(sys.executable), ours=folder.is_relative_to(ROOT))


@pytest.fixture(scope="session")
def base(comfy: ComfyUI) -> Iterator[Path]:
    """A base directory of the process's own; its model files are hard links to the stand-ins."""
    models = ROOT / ".comfy" / "base" / "models"
    with FileLock(ROOT / ".comfy" / "stand_in.lock"):  # the page's tests have a server too
        files = stand_in.ensure(ROOT, comfy, models, lambda line: None)
    folder = Path(tempfile.mkdtemp(prefix="test-", dir=ROOT / ".comfy"))
    comfyui.prepare_base(folder, ROOT)
    for file in files:
        place = folder / "models" / file.relative_to(models)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, place)
    comfyui.link(FRAME_PATCH, folder / "custom_nodes" / FRAME_PATCH.name)
    yield folder
    comfyui.unlink(folder / "custom_nodes" / FRAME_PATCH.name)
    comfyui.unlink(folder / "custom_nodes" / comfyui.PACK_NAME)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server(comfy: ComfyUI, base: Path) -> Iterator[Server]:
    """A running server; `server.client` queues graphs, `server.base` holds models and outputs.

    It keeps the results of the last graph only, as ComfyUI 0.3.75 does by itself.
    """
    with Server(comfy, base, base / "comfyui.log", ("--cache-classic",)) as running:
        yield running
