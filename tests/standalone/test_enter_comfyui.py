"""Scripts in a process without the server: which ComfyUI they enter, and how it is set."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from animatediff_kit.nodes.training.start import environment_of_run
from animatediff_kit.standalone.accelerator import KINDS, has_accelerator
from animatediff_kit.standalone.flags import FLAGS
from comfy.cli_args import args

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


VAE_DTYPE = """
import sys
sys.path.insert(0, "standalone")
from enter_comfyui import enter_comfyui
enter_comfyui(cpu=True)
import comfy.model_management as memory
from comfy.cli_args import args
print(memory.vae_dtype(), memory.FORCE_FP32, args.port, args.dont_print_server)
"""


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ((), "torch.float32 False 8188 False"),
        (("fp16_vae", "dont_print_server"), "torch.float16 False 8188 False"),
        (("bf16_vae", "force_fp32"), "torch.bfloat16 True 8188 False"),
    ],
)
def test_a_run_of_a_server_has_its_flags(
    on: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that concern models alone."""
    for name in on:
        monkeypatch.setattr(args, name, True)
    done = subprocess.run(
        [sys.executable, "-c", VAE_DTYPE],
        env={**os.environ, **environment_of_run()},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == expected, done.stderr


def test_the_flags_are_switches_of_comfyuis() -> None:
    """All but those that one of the two ComfyUIs lacks."""
    known = {name for name, value in vars(args).items() if isinstance(value, bool)}
    assert {*FLAGS} - known <= {"disable_dynamic_vram"}


def torch_with(*kinds: str) -> Any:
    """Torch as it is on a machine with such devices; what it has not, it has no name for."""
    there = SimpleNamespace(is_available=lambda: True)
    hidden = SimpleNamespace(is_available=lambda: False)
    backends = SimpleNamespace(mps=there if "mps" in kinds else hidden)
    others = {kind: there for kind in kinds if kind != "mps"}
    return SimpleNamespace(**{"cuda": hidden, **others}, backends=backends)


@pytest.mark.parametrize("kind", [*KINDS, "mps"])
def test_gpus_of_every_make_are_found(kind: str) -> None:
    assert has_accelerator(torch_with(kind))


def test_a_hidden_gpu_is_none() -> None:
    assert not has_accelerator(torch_with())
    old = SimpleNamespace(cuda=torch_with().cuda, backends=SimpleNamespace())
    assert not has_accelerator(old), "a torch that knows nothing of Apple's"


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
