"""What a claim comes to: figures, each with its interval, its line and its verdict.

Kept as JSON, so that claims can be measured one by one in several sittings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from .estimates import Estimate
from .lines import Line


@dataclass(frozen=True)
class Figure:
    """One row of a claim's table.

    unit: "%" shows a share in percent; line: what it has to reach, fixed before it was measured;
    holds: whether it does, None where it is only told; control: made so that the measure must
    refuse it, and `holds` tells whether it did.
    """

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


@dataclass
class Finding:
    """number, title: the claim's; method: how it was measured; weights: file -> digest of what was
    measured; size: share of the full number of clips; machine, minutes: where it was measured and
    how long it took, of older findings"""

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

    def held(self, control: bool) -> list[bool]:
        """Of the lines that are to be reached, or of the controls that are to be refused."""
        return [f.holds for f in self.figures if f.holds is not None and f.control == control]

    @property
    def holds(self) -> bool:
        """Whether every figure with a line reaches it, and every control is refused."""
        return all(self.held(False)) and all(self.held(True))


def save(finding: Finding, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"claim_{finding.number}.json"
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(finding), indent=1), encoding="utf-8")
    partial.replace(path)
    return path


def load(folder: Path) -> list[Finding]:
    """All findings in a folder, in the order of the claims."""
    paths = sorted(folder.glob("claim_*.json"))
    return [finding_of(json.loads(path.read_text(encoding="utf-8"))) for path in paths]


def finding_of(values: Mapping[str, Any]) -> Finding:
    figures = [Figure(**{**f, "estimate": Estimate(**f["estimate"])}) for f in values["figures"]]
    tables = [Table(*table) for table in values["tables"]]
    pictures = [Picture(**picture) for picture in values["pictures"]]
    return Finding(**{**values, "figures": figures, "pictures": pictures, "tables": tables})
