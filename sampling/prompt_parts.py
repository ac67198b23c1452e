"""What a prompt of a schedule may hold beside words: a negative half, and numbers of the frame.

a cat --neg blurry                     FizzNodes' split into positive and negative
(snow:`0.5 + 0.5 * sin(t / max_f)`)    an expression in backticks, computed for each frame
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from .expressions import FUNCTIONS, NAMES, Number, read_expression

NEGATIVE = re.compile(r"(?<![^\s,])--neg\b")
BACKTICK = "`"
IN_BACKTICKS = re.compile(r"`([^`\n]*)`")
ARITHMETIC = re.compile(rf"\d|\b(?:s|x|{'|'.join((*NAMES, *FUNCTIONS))})\b")
"""What is in backticks and holds none of this is words: a sign that says `hello`."""


def expressions(text: str) -> Iterator[re.Match[str]]:
    """What stands in backticks and is meant to be computed; group 1 is without them."""
    return (match for match in IN_BACKTICKS.finditer(text) if ARITHMETIC.search(match[1]))


def place_of_error(text: str) -> tuple[int, str] | None:
    """Where a prompt holds an expression or a --neg that cannot be understood, and why."""
    for match in expressions(text) if BACKTICK in text else ():
        try:
            read_expression(match[1])
        except ValueError as error:
            return match.start(), f"this expression in backticks is not understood: {error}"
    marks = list(NEGATIVE.finditer(text)) if "--neg" in text else ()
    if len(marks) > 1:
        return marks[1].start(), "a second --neg stands here; a prompt has one negative half"
    return None


def halves(text: str) -> tuple[str, str]:
    """The positive half and the negative one, which is empty without --neg."""
    positive, *negative = NEGATIVE.split(text)
    return positive.strip(), "".join(negative).strip()


def at_frame(text: str, values: Mapping[str, Number]) -> str:
    """The text with its expressions computed for the frame values["t"].

    Raises ValueError where one has no value there.
    """
    found = list(expressions(text))
    for match in reversed(found):
        value = read_expression(match[1])(values)
        text = f"{text[: match.start()]}{value}{text[match.end() :]}"
    return text


def with_commas(before: str, prompt: str, after: str) -> str:
    """The three parts that are not empty, with commas between them."""
    parts = (part.strip().strip(",").strip() for part in (before, prompt, after))
    return ", ".join(part for part in parts if part)


def with_spaces(before: str, prompt: str, after: str) -> str:
    """As FizzNodes joins them; an app_text of "0", its old default, is empty there too."""
    parts = (before.strip(), prompt.strip(), "" if after.strip() == "0" else after.strip())
    return " ".join(part for part in parts if part)


JOINS: dict[str, Callable[[str, str, str], str]] = {"commas": with_commas, "spaces": with_spaces}
