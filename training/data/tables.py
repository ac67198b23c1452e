"""WebVid's CSV tables: which video has which caption.

Messages tell where a table is wrong and quote nothing of it: it may be a file that is no table and
nobody's to read.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..files.text import read_lines

log = logging.getLogger(__name__)

COLUMNS = ("videoid", "name")


def rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row) of each row that names a video; rows without a videoid are counted in a warning.

    Raises ValueError for a file that is no text or no CSV, for other columns, and for rows with
    more fields than columns, whose captions would be cut.
    """
    reader = csv.DictReader(read_lines(table, table.name), strict=True)
    unnamed: list[int] = []
    try:
        check_columns(table, reader.fieldnames or [])
        for row in reader:
            check_row(table, reader.line_num, row)
            if row["videoid"]:
                yield reader.line_num, row
            else:
                unnamed.append(reader.line_num)
    except csv.Error as error:
        raise ValueError(
            f"{table.name}, line {reader.reader.line_num}, is no row of a CSV ({error}). Put "
            "double quotes around a caption that holds commas or quotes, and write its own twice."
        ) from error
    except OSError as error:
        raise ValueError(f"{table} cannot be read ({error.strerror}).") from error
    if unnamed:
        log.warning(
            "%d rows of %s have no videoid and are left out; the first ends in line %d.",
            len(unnamed),
            table.name,
            unnamed[0],
        )


def check_columns(table: Path, columns: Sequence[str]) -> None:
    lacking = [column for column in COLUMNS if column not in columns]
    if lacking:
        raise ValueError(
            f"{table.name} has no column {lacking[0]}; its first line, of {len(columns)} fields, "
            "must name videoid, name and page_dir."
        )


def check_row(table: Path, line: int, row: dict[Any, Any]) -> None:
    beyond = row.pop(None, None)
    if beyond and any(field.strip() for field in beyond):
        raise ValueError(
            f"{table.name}, line {line}, has {len(row) + len(beyond)} fields for {len(row)} "
            f"columns. Put double quotes around a caption that holds commas."
        )
