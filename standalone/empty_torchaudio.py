"""Lets a newer ComfyUI import on a machine that has no torchaudio.

ComfyUI from 0.4 imports torchaudio without condition, for its audio nodes. A build that fits a CPU
build of torch may not be at hand, and the pack needs none: names without content are enough for the
imports.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
import types

NAMES = ("torchaudio", "torchaudio.functional", "torchaudio.transforms")


def define_empty_torchaudio() -> bool:
    """Defines the modules without content where torchaudio cannot be imported.

    Returns whether they were needed.
    """
    try:
        importlib.import_module("torchaudio")
        return False
    except (ImportError, OSError, RuntimeError):  # a build for another torch fails with any of them
        pass
    for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
        del sys.modules[name]
    for name in NAMES:
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        sys.modules[name] = module
    for name in NAMES[1:]:
        setattr(sys.modules["torchaudio"], name.split(".")[1], sys.modules[name])
    return True
