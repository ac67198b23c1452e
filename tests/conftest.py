"""Puts ComfyUI on the path and gives the repository root the name `animatediff_kit`.

The root is a package (ComfyUI imports it as one) whose folder may have any name, and it holds a
`nodes` that must not hide ComfyUI's own: so the root itself is never put on the path.
"""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMFYUI = Path(os.environ.get("ADK_COMFYUI", ROOT / ".comfy" / "ComfyUI"))

pack = types.ModuleType("animatediff_kit")
pack.__path__ = [str(ROOT)]
sys.modules["animatediff_kit"] = pack
tests = types.ModuleType("adk_tests")
tests.__path__ = [str(ROOT / "tests")]
sys.modules["adk_tests"] = tests
sys.path.insert(0, str(COMFYUI))

from animatediff_kit.launcher.torchvision_schemas import define_missing_schemas  # noqa: E402

define_missing_schemas()

import comfy.options  # noqa: E402, F401  (keeps ComfyUI from reading pytest's command line)
from comfy.cli_args import args  # noqa: E402

args.cpu = True

import torch  # noqa: E402

torch.set_num_threads(2)
