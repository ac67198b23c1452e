"""The log of a run that works, read again and again: what was read stays known, and only what was
written since is read. A long log takes seconds to read, and the page asks every two."""

from __future__ import annotations

import csv
import threading
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from .run_log import HELD_OUT, LOG, number

RECENT = 40
"""Rows that are kept whole."""

OPEN = 8
"""Logs that are kept: of the runs that pages show."""


@dataclass(frozen=True)
class Known:
    """losses: of each row;   recent: the last rows, by their columns' names;   looked: those in
    which clips that are held out have a loss"""

    losses: list[float]
    recent: list[dict[str, str]]
    looked: list[dict[str, str]]


class LogReader:
    """Reads a log from where it stopped. One that was cut, or written anew, is read from its
    beginning; a last row that is not whole waits for its end."""

    def __init__(self, path: Path) -> None:
        self.path, self.lock = path, threading.Lock()
        self.forget()

    def forget(self) -> None:
        self.columns: list[str] = []
        self.offset, self.line = 0, b""  # where the next row begins, and the line before it
        self.losses: list[float] = []
        self.recent: deque[dict[str, str]] = deque(maxlen=RECENT)
        self.looked: list[dict[str, str]] = []

    def read(self) -> Known:
        with self.lock:
            try:
                with self.path.open("rb") as file:
                    self.take(self.lines_since(file))
            except FileNotFoundError:
                self.forget()
            return Known([*self.losses], [*self.recent], [*self.looked])

    def lines_since(self, file: BinaryIO) -> list[bytes]:
        file.seek(self.offset - len(self.line))
        if file.read(len(self.line)) != self.line:
            self.forget()
            file.seek(0)
        new = file.read()
        return new[: new.rfind(b"\n") + 1].splitlines(keepends=True)

    def take(self, lines: list[bytes]) -> None:
        if not lines:
            return
        self.offset, self.line = self.offset + sum(map(len, lines)), lines[-1]
        rows = csv.reader(line.decode("utf-8") for line in lines)
        self.columns = self.columns or next(rows)
        for values in rows:
            row = dict(zip(self.columns, values, strict=False))
            self.losses.append(number(row.get("loss")))
            self.recent.append(row)
            if row.get(HELD_OUT[0]):
                self.looked.append(row)


@lru_cache(OPEN)
def reader_of(path: Path) -> LogReader:
    return LogReader(path)


def read_log(folder: Path) -> Known:
    """What the log of a run holds by now."""
    return reader_of(folder / LOG).read()
