"""What is wrong in a table, all of it told at once."""

from __future__ import annotations

from launcher import LauncherError

TOLD = 10
"""Faults that are told; of the rest the number."""


class Faults:
    """Collects sentences about places of a file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.sentences: list[str] = []

    def add(self, line: int, column: str | None, sentence: str) -> None:
        """A fault in a line, counted from 1, and where it is of one cell, in a column."""
        where = f"{self.file}, line {line}"
        self.sentences.append(f"{where}{f', column {column!r}' if column else ''}: {sentence}")

    def tell(self) -> None:
        """Raises LauncherError where there are any."""
        if not self.sentences:
            return
        more = len(self.sentences) - TOLD
        rest = [f"... and {more} more."] if more > 0 else []
        raise LauncherError("\n  ".join(["The table has faults:", *self.sentences[:TOLD], *rest]))
