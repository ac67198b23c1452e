"""Prompts that change over the frames: text -> keyframes -> one embedding a frame.

Two ways of writing are read, and may be mixed with line breaks and trailing commas:

    0: a cat, spring            one prompt a line
    16: a cat, winter

    "0": "a cat, spring",       FizzNodes' way
    "16": "a cat, winter"

Quoted text is JSON's: \\n, \\", \\\\ and \\u00e9 are one character each; it may hold line breaks.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .easings import EASINGS
from .foreign_syntax import place_in_line, place_in_text, shown

log = logging.getLogger(__name__)

Keyframes = list[tuple[int, str]]

Conditioning = list[list[Any]]
"""ComfyUI's: [embedding, its other values] for each range of sampling steps; one without ranges."""

LINE_BREAK = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
BETWEEN = re.compile(r"[ \t\n,]*")
QUOTED = re.compile(
    r'"(?P<frame>[^"]*)"\s*:\s*(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")[ \t]*,?[ \t]*', re.S
)
PLAIN = re.compile(r"(?P<frame>[^:\n]*):(?P<text>[^\n]*)")
"""Each takes time in proportion to the text: ComfyUI answers nobody while it checks a workflow."""

MOST_REPEATS = 4
"""Times the longest prompt's tokens that every frame may carry; ComfyUI has the same bound where it
puts prompts of several lengths into one call (comfy/conds.py)."""

MOST_DIGITS = 9
"""Of a frame's number."""

EXAMPLE = "Write one prompt a line, such as 0: a cat in spring"


def parse_prompts(text: str) -> Keyframes:
    """(frame, prompt) in the order of frames, the first at frame 0.

    Raises ValueError with line and column for text that is no schedule, frames that are no whole
    numbers from 0 on, frames that come twice, and what ComfyUI would encode as words though
    another tool means something by it (foreign_syntax.py); and where frame 0 has no prompt.
    """
    if not isinstance(text, str):
        raise ValueError(f"The prompts are {text!r}, which is no text. {EXAMPLE}.")
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
        found[frame] = unquoted(text, match) if quoted else plain(text, match)
        position = end_of(BETWEEN, text, match.end())
    if 0 not in found:
        first = f"the first is at frame {min(found)}" if found else "there are none"
        raise ValueError(f"The prompts give frame 0 nothing to show; {first}. {EXAMPLE}.")
    return sorted(found.items())


def end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return position if match is None else match.end()


def frame_number(text: str, match: re.Match[str]) -> int:
    written, start = match["frame"].strip(), match.start("frame")
    if written.startswith("{"):
        raise malformed(text, start, "braces around the prompts are not read; take them away")
    if not re.fullmatch(r"\d+", written):
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
    start = match.start("text")
    refuse(text, start + 1, place_in_text(match["text"][1:-1]))
    try:
        prompt = json.loads(match["text"], strict=False)
    except json.JSONDecodeError as error:
        backslash = match["text"].rindex("\\", 0, error.pos + 1)
        written = match["text"][backslash : backslash + 2]
        reason = f'{written} is no escape of JSON; write \\\\ for a backslash, \\" for a quote'
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


def line_and_column(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f"line {line}, column {position - text.rfind(chr(10), 0, position)}"


def blend_at(frame: int, keyframes: Sequence[int], interpolation: str) -> tuple[int, int, float]:
    """Which two keyframes (their places in the list) a frame lies between, and its way to the
    second.

    Behind the last keyframe its prompt stays. Raises ValueError for an unknown interpolation.
    """
    if interpolation not in EASINGS:
        raise ValueError(
            f"{interpolation!r} is no interpolation; choose one of {', '.join(EASINGS)}."
        )
    before = max(i for i, key in enumerate(keyframes) if key <= frame)
    if before + 1 == len(keyframes):
        return before, before, 0.0
    way = (frame - keyframes[before]) / (keyframes[before + 1] - keyframes[before])
    return before, before + 1, EASINGS[interpolation](way)


def travel_conditionings(
    prompts: Sequence[Conditioning], keyframes: Sequence[int], frames: int, how: str
) -> Conditioning:
    """The prompts at the keyframes -> one conditioning that holds an embedding a frame.

    Text encoders whose weights change over the sampling steps (Set CLIP Hooks) give an entry for
    each range of steps, the same ranges for every prompt: each range has a travel of its own. What
    an entry holds beside text and pooled text is the first prompt's.
    """
    ranges = zip(*prompts, strict=True)
    return [travel_entries(entries, keyframes, frames, how) for entries in ranges]


def travel_entries(
    entries: Sequence[list[Any]], keyframes: Sequence[int], frames: int, how: str
) -> list[Any]:
    """[1 t c, {pooled_output: 1 c, ...}] at each keyframe -> [frames t c, {frames c, ...}]"""
    texts, others = zip(*entries, strict=True)
    values = dict(others[0])
    if values.get("pooled_output") is not None:
        pooled = [other["pooled_output"] for other in others]
        values["pooled_output"] = travel(pooled, keyframes, frames, how)
    return [travel(same_length(texts), keyframes, frames, how), values]


def travel(embeddings: Sequence[Tensor], keyframes: Sequence[int], frames: int, how: str) -> Tensor:
    """One embedding a frame, blended between those of the keyframes.   each 1 t c -> frames t c"""
    rows = []
    for frame in range(frames):
        first, second, way = blend_at(frame, keyframes, how)
        start, end = embeddings[first], embeddings[second]
        rows.append(start if way == 0.0 else torch.lerp(start, end, way))
    return torch.cat(rows)


def same_length(embeddings: Sequence[Tensor]) -> list[Tensor]:
    """Text embeddings repeated to one number of tokens.   each 1 t c

    Attention over a text that is repeated as a whole gives what attention over the text gives, so a
    frame at its keyframe sees exactly its prompt. Where that would take more than MOST_REPEATS
    times the longest, the last repetition of some breaks off, which a warning tells: their first
    chunks then count for more, by one repetition in four at the most.
    """
    lengths = [embedding.shape[1] for embedding in embeddings]
    tokens = common_length(lengths)
    uneven = max(unevenness(length, tokens) for length in lengths)
    if uneven:
        log.warning(
            "Prompts of %s tokens have no common length of at most %d times the longest, so parts "
            "of some count for up to %.0f %% more. Make the prompts about equally long.",
            ", ".join(map(str, sorted(set(lengths)))),
            MOST_REPEATS,
            100 * uneven,
        )
    return [e.repeat(1, -(-tokens // e.shape[1]), 1)[:, :tokens] for e in embeddings]


def common_length(lengths: Sequence[int]) -> int:
    """The least common multiple, if it is at most MOST_REPEATS times the longest; otherwise, of all
    lengths up to there, the one that repeats most evenly. Whole chunks of the tokenizer either
    way."""
    exact, longest = math.lcm(*lengths), max(lengths)
    if exact <= MOST_REPEATS * longest:
        return exact
    possible = range(longest, MOST_REPEATS * longest + 1, math.gcd(*lengths))
    return min(possible, key=lambda tokens: max(unevenness(n, tokens) for n in lengths))


def unevenness(length: int, tokens: int) -> float:
    """By how much the tokens that are repeated once more than others count for more."""
    repeats, rest = divmod(tokens, length)
    return 1 / repeats if rest else 0.0


def joined(before: str, prompt: str, after: str) -> str:
    """The three parts that are not empty, with commas between them."""
    parts = (part.strip().strip(",").strip() for part in (before, prompt, after))
    return ", ".join(part for part in parts if part)
