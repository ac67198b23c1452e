"""A folder has one writer at a time, and a process that dies is none any more."""

from __future__ import annotations

import multiprocessing
import re
from pathlib import Path
from typing import Any

import pytest
from adk_tests.support.clip_sets import NEEDS_FORK
from animatediff_kit.training.files.locks import FolderInUse, lock_folder


def sentence(folder: Path) -> str:
    return f"^Another process writes into {re.escape(str(folder))}. Wait until it has ended, or ch"


def test_a_second_writer_is_refused_at_once_until_the_first_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    first = lock_folder(folder)
    for _ in range(2):
        with pytest.raises(FolderInUse, match=sentence(folder)):
            lock_folder(folder)
    other = lock_folder(tmp_path)  # another folder
    first.release()
    lock_folder(folder).release()
    other.release()


@NEEDS_FORK
def test_a_writer_that_is_killed_leaves_the_folder_free(tmp_path: Path) -> None:
    context: Any = multiprocessing.get_context("fork")
    here, there = context.Pipe()

    def hold() -> None:
        held = lock_folder(tmp_path)
        there.send("held")
        there.recv()  # never comes
        held.release()

    process = context.Process(target=hold)
    process.start()
    assert here.recv() == "held"
    with pytest.raises(FolderInUse, match=sentence(tmp_path)):
        lock_folder(tmp_path)
    process.kill()
    process.join()
    lock_folder(tmp_path).release()


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory|File exists"):
        lock_folder(tmp_path / "file" / "folder")
