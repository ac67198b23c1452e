"""Becomes ComfyUI's server: mends what its imports lack on this machine, then runs `main.py`.

    python start_comfyui.py [--lifeline PORT] [--mend NAME ...] FOLDER -- ARGUMENTS OF main.py

It runs by path, in the interpreter that has ComfyUI's packages.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import runpy
import socket
import sys
import threading
import types
from pathlib import Path


def leave_with_parent(port: int) -> None:
    """Ends this process when the one that listens on `port` is gone, however it went."""
    line = socket.create_connection(("127.0.0.1", port))

    def wait() -> None:
        try:
            line.recv(1)
        except OSError:
            pass  # a reset says the same as an end
        os._exit(1)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def standalone(name: str) -> types.ModuleType:
    """Loads a file by its path: the root of the repository must not be on `sys.path`."""
    path = Path(__file__).parents[1] / "standalone" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"adk_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


MENDERS = {
    "torchvision": lambda: standalone("torchvision_schemas").define_missing_schemas(),
    "torchaudio": lambda: standalone("empty_torchaudio").define_empty_torchaudio(),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lifeline", type=int)
    parser.add_argument("--mend", action="append", default=[], choices=MENDERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    if options.lifeline is not None:
        leave_with_parent(options.lifeline)
    # Python put this folder first, and its server.py would hide ComfyUI's; an isolated one, as the
    # portable build has it, did not, and what is first there is Python's own library.
    here = Path(__file__).resolve().parent
    others = [place for place in sys.path if Path(place).resolve() != here]
    sys.path[:] = [str(options.folder), *others]
    for name in options.mend:
        MENDERS[name]()
    script = str(options.folder / "main.py")
    sys.argv = [script, *options.arguments]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
