"""One real ComfyUI server for the session, with the pack in it and the stand-in weights; and the
check that it goes on after bad input."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from adk_tests.integration.graphs import Scene, forget, run
from adk_tests.stand_in import files as stand_in
from animatediff_kit.launcher import comfyui
from animatediff_kit.launcher.comfyui import ComfyUI
from animatediff_kit.launcher.server import Server
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
FRAME_PATCH = Path(__file__).with_name("frame_patch")


@pytest.fixture(scope="session")
def comfy() -> ComfyUI:
    """The ComfyUI that the tests import, run by the interpreter that runs the tests."""
    folder = Path(os.environ.get("ADK_COMFYUI", ROOT / ".comfy" / "ComfyUI"))
    return ComfyUI(folder, Path(sys.executable), ours=folder.is_relative_to(ROOT))


@pytest.fixture(scope="session")
def base(comfy: ComfyUI) -> Iterator[Path]:
    """A base directory of the session's own; its model files are hard links to the stand-ins."""
    models = ROOT / ".comfy" / "base" / "models"
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


def animation() -> tuple[Scene, str]:
    """A small animation and the node that keeps it."""
    scene = Scene(2)
    return scene, scene.kept(scene.sampled(scene.animated(), steps=1, cfg=1.0))


@pytest.fixture(scope="module")
def before(server: Server) -> Iterator[Tensor]:
    """The animation as it was before all bad input; at the end it is computed anew."""
    forget(server)
    scene, keeper = animation()
    expected = run(server, scene).latent(keeper)
    yield expected
    forget(server)
    assert torch.equal(run(server, scene).latent(keeper), expected)


@pytest.fixture
def the_server_goes_on(server: Server, before: Tensor) -> Iterator[None]:
    """After each test the same server still makes the same animation."""
    pid = server.pid
    yield
    assert server.is_running() and server.pid == pid
    scene, keeper = animation()
    assert torch.equal(run(server, scene).latent(keeper), before)


@pytest.fixture
def place(server: Server) -> Iterator[Callable[[str, str], Path]]:
    """Paths for files in ComfyUI's folders of models; what is written there goes with the test."""
    placed: list[Path] = []

    def path(folder: str, name: str) -> Path:
        placed.append(server.base / "models" / folder / name)
        placed[-1].parent.mkdir(parents=True, exist_ok=True)
        return placed[-1]

    yield path
    for file in placed:
        file.unlink(missing_ok=True)
