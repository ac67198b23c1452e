"""Prompts that change over the frames: text -> keyframes.

Two ways of writing are read, and may be mixed with line breaks and trailing commas:

    0: a cat, spring            one prompt a line
    16: a cat, winter

    "0": "a cat, spring",       FizzNodes' way
    "16": "a cat, winter"

Quoted text is JSON's: \\n, \\", \\\\ and \\u00e9 are one character each; it may hold line breaks.
The first prompt holds from frame 0 on, wherever it stands. What a prompt itself may hold is told in
prompt_parts.py.
"""

from __future__ import annotations

import json
import logging
import re

from .foreign_syntax import line_and_column, place_in_line, place_in_text, shown

log = logging.getLogger(__name__)

Keyframes = list[tuple[int, str]]

LINE_BREAK = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
BETWEEN = re.compile(r"[ \t\n,]*")
QUOTED = re.compile(
    r'"(?P<frame>[^"]*)"\s*:\s*(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")[ \t]*,?[ \t]*', re.S
)
PLAIN = re.compile(r"(?P<frame>[^:\n]*):(?P<text>[^\n]*)")
"""Each takes time in proportion to the text: ComfyUI answers nobody while it checks a workflow."""

DIGITS = re.compile(r"\d+")
MOST_DIGITS = 9
"""Of a frame's number."""

LONGEST = 1_000_000
"""Characters of all prompts together, which are read in about a second."""

LONGEST_PROMPT = 20_000
"""Characters of one: some 5,000 tokens, where CLIP reads 77 at a time."""

ESCAPES = json.JSONDecoder(strict=False)

EXAMPLE = "Write one prompt a line, such as 0: a cat in spring"


def parse_prompts(text: str) -> Keyframes:
    """(frame, prompt) in the order of frames, the first at frame 0: where the first prompt stands
    at a later one, it holds from 0 on, as with FizzNodes.

    Raises ValueError with line and column for text that is no schedule, frames that are no whole
    numbers from 0 on, frames that come twice, prompts that are too long, and what ComfyUI would
    encode as words though another tool means something by it (foreign_syntax.py); and where there
    is no prompt.
    """
    if not isinstance(text, str):
        raise ValueError(f"The prompts are {text!r}, which is no text. {EXAMPLE}.")
    if len(text) > LONGEST:
        raise ValueError(
            f"The prompts have {len(text):,} characters, and {LONGEST:,} are the most. Put them "
            "into several nodes, and join what they give."
        )
    text = LINE_BREAK.sub("\n", text.removeprefix("\ufeff"))
    found: dict[int, str] = {}
    position = end_of(BETWEEN, text, 0)
    while position < len(text):
        quoted = text[position] == '"'
        match = (QUOTED if quoted else PLAIN).match(text, position)
        if match is None:
            raise malformed(
                text, position, "no frame number with a prompt behind a colon stands here"
            )
        frame = frame_number(text, match)
        if frame in found:
            raise malformed(text, match.start("frame"), f"frame {frame} has a prompt already")
        if len(match["text"]) > LONGEST_PROMPT:
            reason = f"this prompt has more than {LONGEST_PROMPT:,} characters; shorten it"
            raise malformed(text, match.start("text"), reason)
        found[frame] = unquoted(text, match) if quoted else plain(text, match)
        position = end_of(BETWEEN, text, match.end())
    if not found:
        raise ValueError(f"There are no prompts. {EXAMPLE}.")
    first = min(found)
    if first:
        log.info("The first prompt, of frame %d, holds from frame 0 on.", first)
        found[0] = found[first]
    return sorted(found.items())


def end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return position if match is None else match.end()


def frame_number(text: str, match: re.Match[str]) -> int:
    written, start = match["frame"].strip(), match.start("frame")
    if written.startswith("{"):
        raise malformed(text, start, "braces around the prompts are not read; take them away")
    if not DIGITS.fullmatch(written):
        reason = f"{shown(written)} is no frame number; frames are whole numbers from 0 on"
        raise malformed(text, start, reason)
    if len(written) > MOST_DIGITS:
        reason = f"{shown(written)} is no frame that a video has; it has {len(written)} digits"
        raise malformed(text, start, reason)
    return int(written)


def plain(text: str, match: re.Match[str]) -> str:
    refuse(text, match.start("text"), place_in_line(match["text"]))
    return match["text"].strip(" \t")


def unquoted(text: str, match: re.Match[str]) -> str:
    start, written = match.start("text"), match["text"][1:-1]
    refuse(text, start + 1, place_in_text(written))
    if "\\" not in written:
        return written
    try:
        prompt = ESCAPES.decode(match["text"])
    except json.JSONDecodeError as error:
        backslash = match["text"].rindex("\\", 0, error.pos + 1)
        escape = match["text"][backslash : backslash + 2]
        reason = f'{escape} is no escape of JSON; write \\\\ for a backslash, \\" for a quote'
        raise malformed(text, start + backslash, reason) from None
    hidden = place_in_text(prompt)
    if hidden is not None:  # behind escapes, which move it: the prompt's own place is told
        refuse(text, start, (0, hidden[1]))
    return prompt


def check_words(name: str, text: str) -> None:
    """Raise ValueError, with line and column in the input called `name`, for what ComfyUI would
    encode as words though another tool means something by it."""
    refuse(text, 0, place_in_text(text), name)


def refuse(text: str, start: int, found: tuple[int, str] | None, name: str = "Prompts") -> None:
    """Raise ValueError for what was found in the part of `text` that begins at `start`."""
    if found is not None:
        raise ValueError(f"{name}, {line_and_column(text, start + found[0])}: {found[1]}.")


def malformed(text: str, position: int, reason: str) -> ValueError:
    return ValueError(f"Prompts, {line_and_column(text, position)}: {reason}. {EXAMPLE}.")
