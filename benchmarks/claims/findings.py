"""What a claim comes to: figures, each with its interval, the line that it has to reach and its
verdict. Kept as JSON, so that claims can be measured one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from .estimates import Estimate


class Line(NamedTuple):
    """What a figure has to reach; one that is no number reaches none.   words: with a place for
    each of the bounds"""

    words: str
    bounds: tuple[float, ...]
    holds: Callable[[Estimate], bool]

    def told(self, unit: str) -> str:
        percent = unit == "%"
        return self.words.format(*(f"{b:.0%}" if percent and b else f"{b:g}" for b in self.bounds))


def line(words: str, holds: Callable[..., bool]) -> Callable[..., Line]:
    """Lines of one kind, by their bounds: `at_least(0.9)` is "at least 90%" beside a share."""
    return lambda *bounds: Line(words, bounds, lambda found: holds(found, *bounds))


at_least = line("at least {}", lambda found, bound: found.value >= bound)
at_most = line("at most {}", lambda found, bound: found.value <= bound)
above = line("above {}", lambda found, bound: found.value > bound)
below = line("below {}", lambda found, bound: found.value < bound)
between = line("{} to {}", lambda found, least, most: least <= found.value <= most)
interval_above = line("interval above {}", lambda found, bound: found.low > bound)
interval_below = line("interval below {}", lambda found, bound: found.high < bound)


@dataclass(frozen=True)
class Figure:
    """unit: "%" shows a share in percent; line: fixed before it was measured; holds: whether it is
    reached, None where the figure is only told; control: made so that the measure must refuse it,
    and `holds` tells whether it did"""

    name: str
    estimate: Estimate
    unit: str = ""
    line: str = ""
    holds: bool | None = None
    control: bool = False


def figure(
    name: str, estimate: Estimate, line: Line | None = None, unit: str = "", control: bool = False
) -> Figure:
    """A figure that is only told, or held against a line."""
    if line is None:
        return Figure(name, estimate, unit)
    return Figure(name, estimate, unit, line.told(unit), bool(line.holds(estimate)), control)


@dataclass(frozen=True)
class Picture:
    """A file in docs/images/proof, and what it shows."""

    file: str
    shows: str


class Table(NamedTuple):
    """rows: the first is the head"""

    heading: str
    rows: list[list[str]]


Part = Figure | Picture | Table


def markdown(table: Table) -> str:
    head, *rows = table.rows
    lines = (f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
    return "\n".join((table.heading, "", *lines))


@dataclass
class Finding:
    """method: how it was measured; weights: file -> digest of what was measured; size: share of the
    full number of clips; machine, minutes: where and how long, of older findings"""

    number: int
    title: str
    method: str
    figures: list[Figure] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    weights: dict[str, str] = field(default_factory=dict)
    size: float = 1.0
    machine: str = ""
    minutes: float = 0.0

    def take(self, parts: Iterable[Part]) -> None:
        places = {Figure: self.figures, Picture: self.pictures, Table: self.tables}
        for part in parts:
            places[type(part)].append(part)

    def replace(self, parts: Iterable[Part]) -> None:
        """Put figures and tables in the place of those of the same names, the others at the end."""
        for part in parts:
            if isinstance(part, Figure):
                put(self.figures, part, "name")
            elif isinstance(part, Table):
                put(self.tables, part, "heading")

    def held(self, control: bool) -> list[bool]:
        """Of the lines that are to be reached, or of the controls that are to be refused."""
        return [f.holds for f in self.figures if f.holds is not None and f.control == control]

    @property
    def holds(self) -> bool:
        return all(self.held(False)) and all(self.held(True))


def put(parts: list[Any], part: Any, name: str) -> None:
    """Replace the one of the same name, or append."""
    names = [getattr(one, name) for one in parts]
    if getattr(part, name) in names:
        parts[names.index(getattr(part, name))] = part
    else:
        parts.append(part)


def save(finding: Finding, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(finding), indent=1)
    (folder / f"claim_{finding.number}.json").write_text(text, encoding="utf-8")


def load(folder: Path) -> list[Finding]:
    """All findings in a folder, in the order of the claims."""
    found = []
    for path in sorted(folder.glob("claim_*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        figures = [Figure(**{**f, "estimate": Estimate(**f["estimate"])}) for f in told["figures"]]
        pictures = [Picture(**picture) for picture in told["pictures"]]
        tables = [Table(*table) for table in told["tables"]]
        found.append(Finding(**told | {"figures": figures, "pictures": pictures, "tables": tables}))
    return found
