"""What other tools write into prompts and ComfyUI would encode as words: it is refused.

Weights such as (a cat:1.2), embedding:name, colons, brackets and braces are no such thing: they
are ComfyUI's own, or plain text.
"""

from __future__ import annotations

import re

from .prompt_parts import BACKTICK, expressions, place_of_error

FOREIGN: tuple[tuple[re.Pattern[str], str], ...] = (
    # what is found -> why it is not for ComfyUI, and what to do instead
    (
        re.compile(r"\bpw_[a-d]\b"),
        "outside of backticks this is a word; write `pw_a` in backticks for its value at a frame",
    ),
    (
        re.compile(r"<(?:lora|lyco|hypernet):[^<>\n]*>", re.IGNORECASE),
        "ComfyUI loads nothing from a text; take this tag out, and put the file on the model with "
        "Load LoRA",
    ),
    (
        re.compile(r"[\ud800-\udfff]"),
        "half a character stands here, which no text encoder can read; remove it",
    ),
)

KEYFRAME = re.compile(
    r"[,;][ \t]*(?P<frame>\d{1,9})(?![ \t]+:[ \t]*\d+[ \t]*(?:$|[,;)\]\n]))[ \t]*:(?![\d.)])"
)
"""A second frame number in a line; in 16:9 and 12:30 a digit follows the colon."""

IN_QUOTES = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"[ \t]*,?')


def place_in_text(text: str) -> tuple[int, str] | None:
    """Where a prompt holds what is another tool's or not understood, and what to say of it."""
    words = without_expressions(text)
    for pattern, reason in FOREIGN:
        if match := pattern.search(words):
            return match.start(), f"{shown(match[0])}: {reason}"
    return place_of_error(text)


def without_expressions(text: str) -> str:
    """Blanks in the place of what will be computed, so that places stay."""
    if BACKTICK not in text:
        return text
    pieces, end = [], 0
    for match in expressions(text):
        pieces += [text[end : match.start()], " " * len(match[0])]
        end = match.end()
    return "".join([*pieces, text[end:]])


def place_in_line(text: str) -> tuple[int, str] | None:
    """The same for a prompt without quotes, which ends with its line."""
    if match := KEYFRAME.search(text):
        return match.start("frame"), (
            f"frame {match['frame']} begins inside a line; begin a new line there, or put "
            'frames and prompts in quotes: "0": "a cat"'
        )
    begin = len(text) - len(text.lstrip())
    if IN_QUOTES.fullmatch(text.strip()):
        return begin, (
            "this prompt is in quotes, but its frame number is not; put both in quotes, or neither"
        )
    return place_in_text(text)


def shown(written: str) -> str:
    """Quoted, and cut where it would fill a page."""
    return repr(written) if len(written) <= 40 else f"{written[:37]!r}..."


def line_and_column(text: str, position: int) -> str:
    """As people count them in what they wrote."""
    line = text.count("\n", 0, position) + 1
    return f"line {line}, column {position - text.rfind(chr(10), 0, position)}"
