"""`python run.py convert OLD NEW`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import ConversionError
from .convert import convert
from .files import check_target, read, write
from .rules import Choices


def run(
    old: Path,
    new: Path,
    choices: Choices,
    say: Callable[[str], None],
    force: bool = False,
    api: bool = False,
) -> None:
    """Reads `old`, writes `new`, says what was done. Raises ConversionError; then `new` is as it
    was."""
    check_target(old, new, force)
    content = read(old, prefer_prompt=api)
    try:
        converted, report = convert(content, choices)
    except ConversionError as error:
        raise ConversionError(f"{old}: {error}") from None
    write(converted, new)
    say(report.text())
    say(f"Wrote {new}.")
