"""A script without a ComfyUI says how to get one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_train_py_without_a_comfyui(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "train.py", "run.toml"],
        env={**os.environ, "ADK_COMFYUI": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    text = f"Error: No ComfyUI lies in {tmp_path}. Run `python run.py demo` once.\n"
    assert re.fullmatch(re.escape(text), done.stderr)


def test_train_py_without_a_package(tmp_path: Path) -> None:
    """As with a Python that is not ComfyUI's."""
    (tmp_path / "main.py").touch()
    done = subprocess.run(
        [sys.executable, "-S", ROOT / "train.py", "run.toml"],
        env={**os.environ, "ADK_COMFYUI": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.fullmatch(
        r"Error: The Python package torch\w* is not installed for .+. Start train.py with "
        r"ComfyUI's Python, or run `python run.py install` once.\n",
        done.stderr,
    )
