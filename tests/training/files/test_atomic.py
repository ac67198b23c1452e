"""Files appear whole or not at all."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from adk_tests.support.clip_sets import NEEDS_FORK, in_a_process
from animatediff_kit.training.files.atomic import save_tensors, write_atomic


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_into_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.bin"
    write_atomic(path, lambda beside: beside.write_bytes(b"one"))
    assert path.read_bytes() == b"one" and entries(path.parent) == ["a.bin"]
    write_atomic(path, lambda beside: beside.write_bytes(b"two"))
    assert path.read_bytes() == b"two" and entries(path.parent) == ["a.bin"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(beside: Path) -> None:
        beside.write_bytes(b"half of the n")
        assert path.read_bytes() == b"old"
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write_atomic(path, fail)
    assert path.read_bytes() == b"old" and entries(tmp_path) == ["a.bin"]


@NEEDS_FORK
def test_a_killed_writer_leaves_no_broken_file(tmp_path: Path) -> None:
    """What it leaves beside is overwritten by the next writer."""
    path = tmp_path / "a.bin"

    def write_half(beside: Path) -> None:
        beside.write_bytes(b"half of")
        (tmp_path / "begun").touch()
        time.sleep(60)

    process = in_a_process(lambda: write_atomic(path, write_half))
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    process.kill()
    process.join()
    assert not path.exists()
    write_atomic(path, lambda beside: beside.write_bytes(b"new"))
    assert path.read_bytes() == b"new" and entries(tmp_path) == ["a.bin", "begun"]


def test_a_file_has_the_rights_that_the_users_umask_gives(tmp_path: Path) -> None:
    """safetensors alone would make it the user's own, which others could not read."""
    plain, ours = tmp_path / "plain", tmp_path / "ours.safetensors"
    plain.touch()
    save_tensors(ours, {"a": torch.zeros(2)}, {"note": "x"})
    assert entries(tmp_path) == ["ours.safetensors", "plain"]
    assert ours.stat().st_mode == plain.stat().st_mode
