"""Modules without content where torchaudio does not import, and only there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

STANDALONE = Path(__file__).resolve().parents[2] / "standalone"

SCRIPT = """
import sys, types
sys.path.insert(0, {standalone!r})
from empty_torchaudio import define_empty_torchaudio

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torchaudio":
            raise {error}

whole = {whole}
if whole:
    sys.modules["torchaudio"] = real = types.ModuleType("torchaudio")
else:
    sys.meta_path.insert(0, Missing())
assert define_empty_torchaudio() is not whole
import torchaudio
if whole:
    assert torchaudio is real
else:
    import torchaudio.functional as functional
    from torchaudio import transforms
    assert torchaudio.functional is functional and torchaudio.transforms is transforms
    assert define_empty_torchaudio() is False, "they are there now"
"""


@pytest.mark.parametrize(
    ("error", "whole"),
    [
        ("ModuleNotFoundError('No module named torchaudio')", False),
        ("OSError('Could not load this library')", False),  # PyPI's beside a CPU build of torch
        ("RuntimeError('built for another version')", False),
        ("ImportError('unused')", True),
    ],
)
def test_empty_modules_stand_where_torchaudio_does_not_import(error: str, whole: bool) -> None:
    script = SCRIPT.format(standalone=str(STANDALONE), error=error, whole=whole)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
