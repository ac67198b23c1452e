"""Whether two trained files may be compared: made by the same recipe from the same models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...motion_models.read import read_weights


def check_alike(path: Path, other: Path, entries: Sequence[str]) -> None:
    """Raise ValueError where the metadata of two files differ in one of these entries, or lack
    it."""
    about: list[Any] = [read_weights(str(file))[1] for file in (path, other)]
    for entry in entries:
        first, second = (one.get(entry) for one in about)
        if first != second or first is None:
            raise ValueError(
                f"{path.name} and {other.name} cannot be compared: their {entry} are {first} and "
                f"{second}, and must be the same. Train the one that is out of date again."
            )
