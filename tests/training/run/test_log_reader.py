"""A log that grows is read on from where it was, and anew where it was cut or replaced."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from animatediff_kit.training.run import log_reader
from animatediff_kit.training.run.log_reader import LogReader, read_log
from animatediff_kit.training.run.run_log import HELD_OUT, LOG, as_lines


def lines(first: int, last: int, header: bool = False) -> str:
    rows = [{"step": i, "loss": i / 8, "seconds": i / 2} for i in range(first, last + 1)]
    return as_lines(rows, header)


def losses(first: int, last: int) -> list[float]:
    return [i / 8 for i in range(first, last + 1)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / LOG).write_text(lines(1, 3, header=True))
    return tmp_path / LOG


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_only_what_is_new_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, taken = LogReader(path), []
    take = reader.take
    monkeypatch.setattr(reader, "take", lambda found: (taken.append(len(found)), take(found)))
    assert reader.read().losses == losses(1, 3)
    assert reader.read().losses == losses(1, 3)
    append(path, lines(4, 5))
    known = reader.read()
    assert known.losses == losses(1, 5) and taken == [4, 0, 2]
    assert [row["step"] for row in known.recent] == ["1", "2", "3", "4", "5"]


def test_a_row_that_is_not_whole_waits_for_its_end(path: Path) -> None:
    reader = LogReader(path)
    append(path, "4,0.")
    assert reader.read().losses == losses(1, 3)
    append(path, "5,,,2.0\n")
    assert reader.read().losses == losses(1, 4) and reader.read().recent[-1]["loss"] == "0.5"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (lines(1, 2, header=True), losses(1, 2)),
        (lines(5, 9, header=True), losses(5, 9)),
        ("loss,step\n0.5,7\n", [0.5]),
        ("", []),
    ],
)
def test_a_log_that_was_cut_or_written_anew(path: Path, text: str, found: list[float]) -> None:
    """A run that is resumed cuts its log to the checkpoint's step."""
    reader = LogReader(path)
    reader.read()
    path.write_text(text)
    assert reader.read().losses == found
    append(path, "" if text else lines(1, 1, header=True))
    assert reader.read().losses == (found or losses(1, 1))


def test_a_log_that_is_gone(path: Path) -> None:
    reader = LogReader(path)
    reader.read()
    path.unlink()
    assert reader.read() == log_reader.Known([], [], [])


def test_rows_of_looks_are_kept_and_the_last_rows(path: Path) -> None:
    looked = {"step": 4, "loss": math.nan, **dict.fromkeys(HELD_OUT, 0.25)}
    append(path, as_lines([looked]) + lines(5, 90))
    known = read_log(path.parent)
    assert [row["step"] for row in known.looked] == ["4"] and math.isnan(known.losses[3])
    assert len(known.recent) == log_reader.RECENT and known.recent[-1]["step"] == "90"
