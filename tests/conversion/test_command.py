"""`python run.py convert`, as people call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from adk_tests.support.old_graphs import Scene

ROOT = Path(__file__).resolve().parents[2]


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    """With Python's own library alone, as run.py is called."""
    command = [sys.executable, "-S", "-E", str(ROOT / "run.py"), "convert", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8")


def old_file(folder: Path) -> Path:
    scene = Scene()
    scene.sampled(scene.legacy(context_options=scene.uniform(context_stride=2)))
    file = folder / "old.json"
    file.write_text(json.dumps(scene.page()), encoding="utf-8")
    return file


def test_a_file_is_converted_and_told_of(tmp_path: Path) -> None:
    old = old_file(tmp_path)
    before = old.read_bytes()
    done = call(old, tmp_path / "new.json")
    assert done.returncode == 0 and done.stderr == ""
    assert "6 ADE_AnimateDiffLoaderWithContext -> ADK_LoadMotionModel, ADK_Apply" in done.stdout
    assert "Not kept, or changed:\n  5 ADE_AnimateDiffUniform" in done.stdout
    assert done.stdout.endswith(f"Wrote {tmp_path / 'new.json'}.\n")
    new = json.loads((tmp_path / "new.json").read_text(encoding="utf-8"))
    assert not [n for n in new["nodes"] if n["type"].startswith("ADE_")]
    assert old.read_bytes() == before


def test_failures_are_one_sentence_on_stderr(tmp_path: Path) -> None:
    old = old_file(tmp_path)
    for arguments, sentence in (
        ((old, old), "is the old workflow itself"),
        ((tmp_path / "none.json", tmp_path / "new.json"), "cannot be read"),
    ):
        done = call(*arguments)
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr.startswith("Error: ") and sentence in done.stderr
        assert "Traceback" not in done.stderr
    (tmp_path / "new.json").write_text("mine")
    assert "add --force" in call(old, tmp_path / "new.json").stderr
    assert (tmp_path / "new.json").read_text() == "mine"
    assert call(old, tmp_path / "new.json", "--force").returncode == 0
