"""Whether two trained files may be compared: made by the same recipe from the same models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...motion_models.read import read_weights


def check_alike(path: Path, other: Path, entries: Sequence[str]) -> None:
    """Raise ValueError where the metadata of two files differ in one of these entries, or lack
    it."""
    first: Any = read_weights(str(path))[1]
    second: Any = read_weights(str(other))[1]
    for entry in entries:
        values = first.get(entry), second.get(entry)
        if values[0] != values[1] or values[0] is None:
            raise ValueError(
                f"{path.name} and {other.name} cannot be compared: their {entry} are {values[0]} "
                f"and {values[1]}, and must be the same. Train the one that is out of date again."
            )
