"""Which previews are drawn: one prompt a line, with the seed of its noise before it or without.

7: a cat runs over a meadow
a cat runs over a meadow
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SEEDED = re.compile(r"(\d+)\s*:(?:\s+(.*))?")
"""A space stands behind the colon, so that 12:00 is a part of a prompt."""


@dataclass(frozen=True)
class Asked:
    """A preview that is asked for."""

    seed: int
    prompt: str


def parse(text: str, seed: int) -> list[Asked]:
    """Prompts without a seed are given those from `seed` on. Empty lines are skipped. Raises
    ValueError for a line with a seed alone."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    asked: list[Asked] = []
    for number, line in lines:
        if not line:
            continue
        own = SEEDED.fullmatch(line)
        if own and not own[2]:
            raise ValueError(
                f"Line {number} of the prompts is {line!r}, a seed without a prompt. Write the "
                f"prompt behind it, such as {own[1]}: a cat runs over a meadow."
            )
        asked.append(Asked(int(own[1]), own[2]) if own else Asked(seed + len(asked), line))
    return asked
