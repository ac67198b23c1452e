"""What a claim comes to: figures, each with its interval, its line and its verdict.

Kept as JSON, so that claims can be measured one by one in several sittings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .estimates import Estimate


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

    @property
    def verdict(self) -> str:
        if self.holds is None:
            return ""
        if self.control:
            return "refused, as it must be" if self.holds else "**not refused**"
        return "reached" if self.holds else "**missed**"


@dataclass(frozen=True)
class Picture:
    """A file in docs/images/proof, and what it shows."""

    file: str
    shows: str


@dataclass
class Finding:
    """number, title: the claim's; method: how it was measured; tables: headings and rows, the first
    the head; weights: file -> digest of what was measured; size: share of the full number of clips;
    minutes: of this machine, all sittings together"""

    number: int
    title: str
    method: str
    figures: list[Figure] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    tables: list[tuple[str, list[list[str]]]] = field(default_factory=list)
    weights: dict[str, str] = field(default_factory=dict)
    size: float = 1.0
    machine: str = ""
    minutes: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether every figure with a line reaches it, and every control is refused."""
        return all(figure.holds for figure in self.figures if figure.holds is not None)

    def add(
        self,
        name: str,
        estimate: Estimate,
        line: str = "",
        holds: bool | None = None,
        unit: str = "",
        control: bool = False,
    ) -> None:
        told = None if holds is None else bool(holds)  # numpy's truth is no JSON
        self.figures.append(Figure(name, estimate, unit, line, told, control))


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
    known = dict(values)
    known["figures"] = [
        Figure(**{**figure, "estimate": Estimate(**figure["estimate"])})
        for figure in values["figures"]
    ]
    known["pictures"] = [Picture(**picture) for picture in values["pictures"]]
    known["tables"] = [(heading, rows) for heading, rows in values["tables"]]
    return Finding(**known)
