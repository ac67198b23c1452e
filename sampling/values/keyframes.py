"""Values that change over frames or sampling steps: text -> keyframes -> numbers.

    0: 1.0, 16: 0.2 smooth         one keyframe behind the other, with commas
    0: 1                           or one a line
    16: (0.2)                      FizzNodes' and Deforum's brackets are read too

An easing behind a value says how it is reached. Before the first keyframe and behind the last,
its value holds.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..easings import EASINGS, OTHER_NAMES
from ..foreign_syntax import line_and_column, shown

BREAKS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
ENTRY = re.compile(r"[^,;\n]+")
"""Takes time in proportion to the text: ComfyUI answers nobody while it checks a workflow."""

VALUE = re.compile(r"\s*(?P<bracket>\()?\s*(?P<number>[^\s()]+)\s*(?(bracket)\))\s*(?P<easing>.*)")
NUMBER = re.compile(r"[+-]?(?:\d{1,9}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d)?", re.A)
WHOLE = re.compile(r"\d{1,9}", re.A)
PART = re.compile(r"(?P<number>\d{1,3}(?:\.\d*)?|\.\d+)(?P<percent>\s*%)?", re.A)


@dataclass(frozen=True)
class Keyframe:
    """The value at a place (a frame, or a part of sampling 0..1), and how it is reached."""

    place: float
    value: float
    easing: str


@dataclass(frozen=True)
class Text:
    """A text of keyframes that is being read.

    name: of the input, for messages; over_steps: places are parts of sampling, else frames.
    """

    name: str
    text: str
    over_steps: bool = False

    def malformed(self, position: int, reason: str) -> ValueError:
        example = "0: 1.0, 0.5: 0.2 smooth" if self.over_steps else "0: 1.0, 16: 0.2 smooth"
        return ValueError(
            f"{self.name}, {line_and_column(self.text, position)}: {reason}. "
            f"Write keyframes, such as {example}."
        )

    def place(self, written: str, position: int) -> float:
        return self.part(written, position) if self.over_steps else self.frame(written, position)

    def frame(self, written: str, position: int) -> float:
        if not WHOLE.fullmatch(written):
            reason = f"{shown(written)} is no frame; frames are whole numbers from 0 on"
            raise self.malformed(position, reason)
        return int(written)

    def part(self, written: str, position: int) -> float:
        found = PART.fullmatch(written)
        part = -1.0 if found is None else float(found["number"])
        if found is not None and found["percent"]:
            part /= 100
        if not 0.0 <= part <= 1.0:
            reason = f"{shown(written)} is no part of sampling; parts run from 0 to 1, or to 100%"
            raise self.malformed(position, reason)
        return part

    def value(self, written: str, position: int, easing: str) -> tuple[float, str]:
        found = VALUE.fullmatch(written)
        if found is None or not NUMBER.fullmatch(found["number"]):
            what = shown(written.strip()) if written.strip() else "this"
            raise self.malformed(position, f"{what} is no number")
        how = found["easing"].strip().lower()
        how = OTHER_NAMES.get(how, how) or easing
        if how not in EASINGS:
            reason = f"{shown(found['easing'])} is no easing; they are {', '.join(EASINGS)}"
            raise self.malformed(position + found.start("easing"), reason)
        return float(found["number"]), how


def parse_keyframes(
    text: str, name: str, easing: str = "linear", over_steps: bool = False
) -> tuple[Keyframe, ...]:
    """The keyframes of a text in their order; none of an empty one.

    Raises ValueError with line and column for what cannot be read, and places that come twice.
    """
    if not isinstance(text, str):
        raise ValueError(
            f"{name} is {text!r}, which is no text. Write keyframes, or leave it empty."
        )
    reader = Text(name, BREAKS.sub("\n", text.removeprefix("\ufeff")), over_steps)
    found: dict[float, Keyframe] = {}
    for entry in ENTRY.finditer(reader.text):
        written = entry.group()
        if not written.strip():
            continue
        start = entry.start() + len(written) - len(written.lstrip())
        before, colon, behind = written.partition(":")
        if not colon:
            raise reader.malformed(start, f"no colon stands behind {shown(written.strip())}")
        place = reader.place(before.strip().strip("\"'"), start)
        if place in found:
            raise reader.malformed(start, f"{before.strip()} has a value already")
        value, how = reader.value(behind, entry.start() + len(before) + 1, easing)
        found[place] = Keyframe(place, value, how)
    return tuple(found[place] for place in sorted(found))


def value_at(keyframes: Sequence[Keyframe], place: float) -> float:
    """The value at a place, between the keyframes on either side of it."""
    behind = bisect.bisect_right(keyframes, place, key=lambda keyframe: keyframe.place)
    if behind in (0, len(keyframes)):
        return keyframes[max(0, behind - 1)].value
    start, end = keyframes[behind - 1], keyframes[behind]
    way = EASINGS[end.easing]((place - start.place) / (end.place - start.place))
    return start.value + way * (end.value - start.value)
