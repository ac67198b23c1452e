"""What tests in the real server share: the check that it goes on after bad input, places for files.
The server itself is that of tests/support/served.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from adk_tests.integration.graphs import Scene, forget, run
from animatediff_kit.launcher.server import Server
from torch import Tensor


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
