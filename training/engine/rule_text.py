"""Reads stop rules word by word, and tells where something else stands than what is expected."""

from __future__ import annotations

import re
from collections.abc import Iterator

WORD = re.compile(r"\d+(?:\.\d+)?|[a-z]+(?:-[a-z]+)*|\S", re.IGNORECASE)


class Unreadable(ValueError):
    """place: the line and the column, 1 the first."""

    def __init__(self, place: tuple[int, int], what: str) -> None:
        line, column = place
        super().__init__(
            f"The stop rules cannot be read at line {line}, column {column}: {what}. A rule is "
            "written such as `8 of 8 previews pan left by at least 0.25, warp error below 1.5`."
        )


class Reader:
    """The words of one line, one after the other. What cannot be read raises Unreadable."""

    def __init__(self, text: str, line: int) -> None:
        self.text, self.line = text, line
        self.words = [(found[0].lower(), found.start() + 1) for found in WORD.finditer(text)]
        self.at = 0

    def place(self) -> tuple[int, int]:
        end = len(self.text.rstrip()) + 1
        return self.line, end if self.is_at_end() else self.words[self.at][1]

    def is_at_end(self) -> bool:
        return self.at == len(self.words)

    def word(self) -> str:
        return "" if self.is_at_end() else self.words[self.at][0]

    def is_number(self) -> bool:
        return self.word()[:1].isdecimal()

    def unreadable(self, expected: str) -> Unreadable:
        there = "the line ends" if self.is_at_end() else f"`{self.word()}` stands"
        return Unreadable(self.place(), f"{there} where {expected} is expected")

    def took(self, word: str) -> bool:
        """Whether this word was next; then it is read."""
        is_next = self.word() == word
        self.at += is_next
        return is_next

    def take_word(self, word: str, expected: str) -> None:
        if not self.took(word):
            raise self.unreadable(expected)

    def phrase(self, phrases: tuple[str, ...], other: str = "") -> str:
        """The one of some phrases of one or two words that is next."""
        rest = [word for word, _ in self.words[self.at :]]
        for phrase in phrases:
            words = phrase.split()
            if rest[: len(words)] == words:
                self.at += len(words)
                return phrase
        raise self.unreadable(f"one of {', '.join([*phrases, *([other] if other else [])])}")

    def number(self) -> float:
        if not self.is_number():
            raise self.unreadable("a number such as 0.25")
        self.at += 1
        return float(self.words[self.at - 1][0])

    def whole(self) -> int:
        if not self.is_number() or "." in self.word():
            raise self.unreadable("a whole number")
        return int(self.number())


def readers(text: str) -> Iterator[Reader]:
    """Of each line that says something."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield Reader(line, number)
