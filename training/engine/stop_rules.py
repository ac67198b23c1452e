"""Rules by which a run ends by itself, as people write them:

    8 of 8 previews pan left by at least 0.25, warp error below 1.5
    held-out loss below 0.12, step at least 500, 2 times in a row

    rules      lines; the run ends when one of them holds. Empty ones and those after # are skipped
    line       parts with commas between them, which all must hold
    part       [K of N previews] MOVE by RANGE
               [K of N previews] flow RANGE | warp error RANGE | off axis RANGE
               held-out loss RANGE | step RANGE
               K times in a row                     the last part: of so many looks at the run
    MOVE       pan left, pan right, tilt up, tilt down, zoom in, zoom out, roll clockwise,
               roll anticlockwise
    RANGE      at least X | at most X | above X | below X | X to Y

`K of N previews` speaks of what follows it up to the next such words: at least K of the N previews
do all of that. Pans are shares of the width, tilts of the height, zooms what the content grows by
(0.25 is a quarter), rolls degrees; flow and warp error are shares of the training clips' own. What
is not known holds for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .looks import MOVES, Look, PreviewFigures
from .rule_text import Reader, Unreadable, readers

PREVIEW_FIGURES: dict[str, Callable[[PreviewFigures], float]] = {
    "flow": lambda seen: seen.flow_share,
    "warp error": lambda seen: seen.warp_share,
    "off axis": lambda seen: seen.off_axis,
}
RUN_FIGURES: dict[str, Callable[[Look], float]] = {
    "held-out loss": lambda look: look.held_out_loss(),
    "step": lambda look: look.step,
}
SUBJECTS = (*MOVES, *PREVIEW_FIGURES, *RUN_FIGURES)

RANGES: dict[str, Callable[[float, float], bool]] = {
    "at least": lambda value, bound: value >= bound,
    "at most": lambda value, bound: value <= bound,
    "above": lambda value, bound: value > bound,
    "below": lambda value, bound: value < bound,
}


@dataclass(frozen=True)
class Range:
    """bounds: relations of RANGES, and the numbers behind them; all must hold."""

    bounds: tuple[tuple[str, float], ...]

    def __contains__(self, value: float) -> bool:
        """Never NaN."""
        return all(RANGES[relation](value, bound) for relation, bound in self.bounds)


@dataclass
class Group:
    """At least `least` of the `of` previews do all that the clauses say."""

    least: int
    of: int
    clauses: list[tuple[str, Range]] = field(default_factory=list)

    def holds(self, look: Look) -> bool:
        doing = sum(all(met(seen, *clause) for clause in self.clauses) for seen in look.previews)
        return len(look.previews) == self.of and doing >= self.least


def met(seen: PreviewFigures, subject: str, wanted: Range) -> bool:
    value = seen.amount(subject) if subject in MOVES else PREVIEW_FIGURES[subject](seen)
    return value in wanted


@dataclass
class Line:
    """One rule.   text: as it was written;   times: looks in a row at which it has to hold"""

    text: str
    groups: list[Group] = field(default_factory=list)
    run: list[tuple[str, Range]] = field(default_factory=list)
    times: int = 1

    def holds(self, looks: Sequence[Look]) -> bool:
        last = looks[-self.times :]
        return len(last) == self.times and all(map(self.holds_at, last))

    def holds_at(self, look: Look) -> bool:
        of_run = all(RUN_FIGURES[subject](look) in wanted for subject, wanted in self.run)
        return of_run and all(group.holds(look) for group in self.groups)


@dataclass(frozen=True)
class StopRules:
    """previews: how many the rules speak of; 0 for none.   held_out: whether they speak of clips
    that are held out"""

    lines: tuple[Line, ...]
    previews: int = 0

    @property
    def held_out(self) -> bool:
        return any(subject == "held-out loss" for line in self.lines for subject, _ in line.run)

    def met(self, looks: Sequence[Look]) -> str:
        """The first rule that holds by the looks so far, the last of them now; "" where none."""
        return next((line.text for line in self.lines if line.holds(looks)), "")


def parse(text: str) -> StopRules:
    """Raises ValueError with the line and the column of what cannot be read."""
    lines, previews = list[Line](), 0
    for reader in readers(text):
        line = Line(reader.text.strip())
        while True:
            previews = read_part(reader, line, previews)
            if reader.is_at_end():
                break
            if line.times > 1:
                raise reader.unreadable("the end of the line, after `times in a row`")
            reader.take_word(",", "a comma or the end of the line")
        lines.append(line)
    return StopRules(tuple(lines), previews)


def read_part(reader: Reader, line: Line, previews: int) -> int:
    """One part, into `line`.   -> the number of previews that the rules speak of so far"""
    if reader.is_number():
        place = reader.place()
        first = reader.whole()
        if reader.took("times"):
            for word in ("in", "a", "row"):
                reader.take_word(word, "`in a row`")
            if first < 2 or not (line.groups or line.run):
                raise Unreadable(place, "`times in a row` needs 2 or more, behind what shall hold")
            line.times = first
            return previews
        previews = read_count(reader, line, first, place, previews)
        read_clause(reader, line, (*MOVES, *PREVIEW_FIGURES))
    else:
        read_clause(reader, line, SUBJECTS)
    return previews


def read_count(
    reader: Reader, line: Line, least: int, place: tuple[int, int], previews: int
) -> int:
    reader.take_word("of", "`of` or `times in a row`")
    of = reader.whole()
    reader.take_word("previews", "`previews`")
    if not 1 <= least <= of:
        raise Unreadable(place, f"{least} of {of} previews are no share of them")
    if previews not in (0, of):
        raise Unreadable(place, f"{of} previews stand beside {previews}, and a run has one number")
    line.groups.append(Group(least, of))
    return of


def read_clause(reader: Reader, line: Line, subjects: tuple[str, ...]) -> None:
    place = reader.place()
    subject = reader.phrase(subjects)
    if subject in MOVES:
        reader.take_word("by", "`by`")
    wanted = read_range(reader)
    if subject in RUN_FIGURES:
        line.run.append((subject, wanted))
    elif line.groups:
        line.groups[-1].clauses.append((subject, wanted))
    else:
        raise Unreadable(place, f"`{subject}` says not of how many, such as `8 of 8 previews`")


def read_range(reader: Reader) -> Range:
    if not reader.is_number():
        return Range(((reader.phrase(tuple(RANGES), "a number"), reader.number()),))
    place = reader.place()
    low = reader.number()
    reader.take_word("to", "`to`")
    high = reader.number()
    if high <= low:
        raise Unreadable(place, f"from {low:g} to {high:g} there is nothing")
    return Range((("at least", low), ("at most", high)))
