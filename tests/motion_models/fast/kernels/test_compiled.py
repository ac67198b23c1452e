"""The kernels compile for NVIDIA's GPUs, which needs none, and stay within what these have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from adk_tests.motion_models.fast.test_counts import BENCHMARKS

pytest.importorskip("triton")


def test_they_compile_and_fit() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    command = [
        sys.executable,
        str(BENCHMARKS / "compiled_kernels.py"),
        "--gpus",
        "80",
        "--widths",
        "320",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    told = [line for line in done.stdout.splitlines() if "registers" in line]
    assert len(told) == 26, "by layout, and by sizes that divide by 16 and that do not"
    on_tensor_cores = [line for line in told if not line.endswith(" 0 mma")]
    assert len(on_tensor_cores) == 22, "all but the statistics"
