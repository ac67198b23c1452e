"""Files appear whole or not at all."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Thread

import psutil
import pytest
import torch
from adk_tests.support.clip_sets import NEEDS_FORK, in_a_process
from animatediff_kit.training.files.atomic import (
    save_new_tensors,
    save_tensors,
    this_machine,
    write_atomic,
    write_new,
)
from safetensors.torch import load_file


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
    """What it leaves beside is removed by the next writer, but not while it is alive."""
    path = tmp_path / "a.bin"

    def write_half(beside: Path) -> None:
        beside.write_bytes(b"half of")
        (tmp_path / "begun").touch()
        time.sleep(60)

    process = in_a_process(lambda: write_atomic(path, write_half))
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    write_atomic(tmp_path / "a.bin", lambda beside: beside.write_bytes(b"other"))
    assert len([name for name in entries(tmp_path) if name.endswith(".part")]) == 1
    path.unlink()
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


def numbered(folder: Path) -> Iterator[Path]:
    return (folder / f"a_{number}.bin" for number in count(1))


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_takes_the_first_free_name(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:  # as FAT and some network drives

        def refuse(*paths: object) -> None:
            raise PermissionError("Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        monkeypatch.setattr(os, "rename", refuse)
    contents = [b"one", b"two", b"three"]
    written = [write_new(numbered(tmp_path), lambda b, c=c: b.write_bytes(c)) for c in contents]
    assert [path.name for path in written] == ["a_1.bin", "a_2.bin", "a_3.bin"]
    assert [path.read_bytes() for path in written] == contents
    assert entries(tmp_path) == ["a_1.bin", "a_2.bin", "a_3.bin"]


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """Another process takes it while this one writes."""

    def slow(beside: Path) -> None:
        beside.write_bytes(b"ours")
        (tmp_path / "a_1.bin").write_bytes(b"theirs")

    assert write_new(numbered(tmp_path), slow).name == "a_2.bin"
    assert (tmp_path / "a_1.bin").read_bytes() == b"theirs"


@NEEDS_FORK
def test_many_processes_write_under_one_name(tmp_path: Path) -> None:
    def save() -> None:
        for _ in range(10):
            tensors = {"a": torch.full((1000,), float(os.getpid()))}
            save_new_tensors(numbered(tmp_path), tensors, {})

    processes = [in_a_process(save) for _ in range(3)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    values = [float(load_file(tmp_path / name)["a"][0]) for name in entries(tmp_path)]
    assert sorted(values) == sorted(float(p.pid or 0) for p in processes for _ in range(10))


def test_what_others_have_in_the_making_stays(tmp_path: Path) -> None:
    gone = max(psutil.pids()) + 1
    names = {
        f".a.bin.{this_machine()}-{gone}.part": False,
        f".a.bin.{this_machine()}-{os.getppid()}.part": True,
        f".a.bin.00000000-{gone}.part": True,
        f".b.bin.{this_machine()}-{gone}.part": True,
        ".a.bin.part": True,
    }
    for name in names:
        (tmp_path / name).touch()
    write_atomic(tmp_path / "a.bin", lambda beside: beside.write_bytes(b"x"))
    assert entries(tmp_path) == sorted(["a.bin", *(name for name, left in names.items() if left)])


@pytest.mark.parametrize("own", ["", "-0123abcd"])
def test_what_a_killed_process_of_this_ones_number_left_is_removed(
    tmp_path: Path, own: str
) -> None:
    """In a container each start may have the same number, and a save that met what the last one
    left would fail for ever."""
    left = tmp_path / f".a.bin.{this_machine()}-{os.getpid()}{own}"
    folder = Path(f"{left}.making")
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"half")
    Path(f"{left}.part").mkdir()
    save_tensors(tmp_path / "a.bin", {"a": torch.ones(2)}, {})
    assert entries(tmp_path) == ["a.bin"] and load_file(tmp_path / "a.bin")["a"].sum() == 2


def test_what_this_process_makes_in_another_thread_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"

    def slow(beside: Path) -> None:
        beside.write_bytes(b"first")
        thread = Thread(target=write_atomic, args=(path, lambda b: b.write_bytes(b"second")))
        thread.start()
        thread.join()
        assert path.read_bytes() == b"second"

    write_atomic(path, slow)
    assert path.read_bytes() == b"first" and entries(tmp_path) == ["a.bin"]
