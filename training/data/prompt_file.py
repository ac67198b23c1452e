"""A text file with a prompt a line, of which a model draws pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from ..files.text import read_text


def is_prompt_file(path: Path) -> bool:
    return path.suffix.lower() == ".txt" and path.is_file()


def prompts_in(path: Path) -> list[str]:
    """Raises ValueError for a file that is no text, or holds no prompt."""
    lines = [line.strip() for line in read_text(path, path.name).splitlines()]
    prompts = [line for line in lines if line]
    if not prompts:
        raise ValueError(
            f"{path.name} holds no prompt. Write what the pictures show, a line for each, such as: "
            "a street in the rain."
        )
    return prompts


def in_turn(prompts: Sequence[str], count: int) -> list[str]:
    """One of each picture; they begin again where there are fewer."""
    return list(islice(cycle(prompts), count))
