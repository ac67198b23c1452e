"""The pure parts of the page's code, by Node.js: each `*.test.mjs` beside this file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
FILES = sorted(Path(__file__).parent.glob("*.test.mjs"))


@pytest.mark.skipif(NODE is None, reason="no Node.js is installed to run the page's code")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_pages_code(file: Path) -> None:
    command = [str(NODE), "--test", "--test-reporter=tap", str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# pass 0" not in ran.stdout, "it holds no test"
