"""A custom node pack without nodes, for benchmarks alone: GET /adk_memory tells what the server
holds.

resident: bytes as the kernel counts them (VmRSS of Linux); trimmed: the same after Python's
collection and after the allocator has given back what it holds free (malloc_trim of glibc);
tensors: bytes of the storages of all tensors that are alive in Python, each storage once; counts of
them, of threads and of open files.
"""

from __future__ import annotations

import ctypes
import gc
import os
import threading
from pathlib import Path
from typing import Any

import torch
from aiohttp import web
from server import PromptServer  # pyright: ignore[reportMissingImports]

NODE_CLASS_MAPPINGS: dict[str, Any] = {}


def resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmRSS.")


def storages() -> dict[int, int]:
    """Address of each storage that a living tensor has -> its bytes."""
    found: dict[int, int] = {}
    for thing in gc.get_objects():
        if issubclass(type(thing), torch.Tensor) and thing.device.type not in ("meta",):
            storage = thing.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
    return found


def held() -> dict[str, int]:
    before = resident()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    memory = storages()
    return {
        "resident": before,
        "trimmed": resident(),
        "tensors": sum(memory.values()),
        "storages": len(memory),
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),
    }


@PromptServer.instance.routes.get("/adk_memory")
async def tell(request: web.Request) -> web.Response:
    return web.json_response(held())
