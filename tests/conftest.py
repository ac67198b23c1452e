"""Puts ComfyUI and the pack on the path, ComfyUI on the CPU; see launcher/standalone.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

TESTS = Path(__file__).resolve().parent

# The launcher cannot be imported by name yet: giving the root a name is what this module does.
spec = importlib.util.spec_from_file_location(
    "adk_standalone", TESTS.parent / "launcher" / "standalone.py"
)
assert spec is not None and spec.loader is not None
standalone = importlib.util.module_from_spec(spec)
spec.loader.exec_module(standalone)
standalone.enter_comfyui(cpu=True)
standalone.register_package("adk_tests", TESTS)

import torch  # noqa: E402

torch.set_num_threads(1)
