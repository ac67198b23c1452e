"""What a refusal must be: a ValueError that people can read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LONGEST = 900
"""Characters of a refusal. What people have written is quoted, but cut."""


def what_is_wrong_with(text: str) -> str:
    """Why a text is no sentence for people; empty for one that is."""
    if not text.strip():
        return "it is empty"
    if "\n" in text or "\r" in text:
        return "it has several lines"
    if len(text) > LONGEST:
        return f"it has {len(text)} characters"
    if not text.endswith((".", "!")):
        return "it does not end as a sentence"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "no log can write it"
    return ""


def refused(work: Callable[[], T]) -> T | str:
    """What `work` gives, or the sentence it refuses with. Any other exception goes on."""
    try:
        return work()
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        text = str(error)
        assert not what_is_wrong_with(text), f"{what_is_wrong_with(text)}: {ascii(text)[:2000]}"
        return text
