"""Reads a table of clips: CSV with a line of column names, or JSONL with an object a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher import LauncherError

from .faults import Faults


@dataclass(frozen=True)
class Row:
    """A clip. line: of the file, where it begins. texts: all values are texts, as in CSV."""

    number: int
    line: int
    cells: dict[str, Any]
    texts: bool


def read(path: Path) -> list[Row]:
    """The rows of a `.csv` or `.jsonl` file, numbered from 1. An empty cell of CSV is left out.

    Raises LauncherError for what is no such table, with the lines.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise LauncherError(f"{path} is no table: its name must end in .csv or .jsonl.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LauncherError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise LauncherError(f"{path} is not text in UTF-8 ({error.reason}).") from None
    faults = Faults(path.name)
    found = list(reader(text, faults))
    faults.tell()
    if not found:
        raise LauncherError(f"{path} has no row; give one a clip.")
    texts = reader is csv_rows
    return [Row(n, line, cells, texts) for n, (line, cells) in enumerate(found, 1)]


Found = Iterator[tuple[int, dict[str, Any]]]


def csv_rows(text: str, faults: Faults) -> Found:
    """(line, cells) of each row."""
    # str.splitlines would cut cells at U+2028, form feeds and others, which end no line of CSV
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[str] = []
    try:
        for values in reader:
            line = reader.line_num - sum(value.count("\n") for value in values)
            if not columns:
                columns = [name.strip() for name in values]
                check_columns(columns, line, faults)
            elif values and len(values) != len(columns):
                told = f"it has {len(values)} cells, but there are {len(columns)} columns."
                faults.add(line, None, told)
            elif values:
                yield line, {name: v for name, v in zip(columns, values, strict=True) if v}
    except csv.Error as error:
        faults.add(reader.line_num, None, f"this is no CSV ({error}).")


def check_columns(columns: list[str], line: int, faults: Faults) -> None:
    for name in sorted({name for name in columns if columns.count(name) > 1}):
        faults.add(line, name, "two columns have this name.")


def json_rows(text: str, faults: Faults) -> Found:
    """(line, cells) of each line that is not empty."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line, object_pairs_hook=no_key_twice, parse_constant=refuse)
        except ValueError as error:
            faults.add(number, None, f"this is no JSON ({error}).")
            continue
        if isinstance(cells, dict):
            yield number, cells
        else:
            faults.add(number, None, "this is no JSON object; write {...}.")


def no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands there twice")
    return made


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


READERS = {".csv": csv_rows, ".jsonl": json_rows}
