"""A server for a soak, in a base directory of its own, that tells its memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...launcher.comfyui import PACK_NAME, ComfyUI, link, prepare_base, unlink
from ...launcher.server import Server

ROOT = Path(__file__).resolve().parents[2]
MEMORY = Path(__file__).with_name("memory_route")


def add_memory_route(base: Path) -> Path:
    """Put the route into the custom nodes of a base directory.   -> the link, to be unlinked"""
    place = base / "custom_nodes" / "adk_memory"
    link(MEMORY, place)
    return place


PATIENCE = 1800.0
"""Seconds until the server must answer: a soak gives way to whatever else the machine does."""


ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""torch's backward passes on a CPU add up in no fixed order where several threads share them, so
that the same training ends some 1e-7 apart."""


@contextmanager
def with_variables(variables: dict[str, str]) -> Iterator[None]:
    """Environment variables for what is started inside."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def served(comfy: ComfyUI, log: Path | None = None) -> Iterator[Server]:
    """A server of one thread whose base directory goes with it; its log too, unless it is given
    another place."""
    base = Path(tempfile.mkdtemp(prefix="soak-", dir=ROOT / ".comfy"))
    prepare_base(base, ROOT)
    route = add_memory_route(base)
    try:
        with with_variables(ONE_THREAD):
            server = Server(comfy, base, log or base / "comfyui.log", patience=PATIENCE)
        server.client.timeout = PATIENCE
        with server:
            yield server
    finally:
        unlink(route)
        unlink(base / "custom_nodes" / PACK_NAME)
        shutil.rmtree(base)
