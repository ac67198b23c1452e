"""docs/proof.md out of the findings: page.md.jinja, and what claims.toml says of each claim."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...training.run.toml_tables import toml_reader
from . import scenes, studio
from .estimates import Estimate
from .findings import Figure, Finding, Part, Table, load, markdown, save

HERE = Path(__file__).resolve().parent

Texts = Mapping[str, Mapping[str, str]]  # claim_N -> title, method, verdict, and perhaps remarks
TEXTS: Texts = toml_reader().loads((HERE / "claims.toml").read_text(encoding="utf-8"))

WRITTEN: Any = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
TEMPLATES = Environment(loader=FileSystemLoader(HERE), undefined=StrictUndefined, **WRITTEN)


def filled(text: str, facts: Mapping[str, Any]) -> str:
    """A text of claims.toml on its own: the facts in their places, without its last newline."""
    return TEMPLATES.from_string(text.strip()).render(facts)


def write_page(
    findings: Sequence[Finding], path: Path, pictures: Path, texts: Texts = TEXTS
) -> None:
    folder = Path(os.path.relpath(pictures, path.parent)).as_posix()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(findings, folder, texts), encoding="utf-8")


def page(findings: Sequence[Finding], folder: str, texts: Texts = TEXTS) -> str:
    about = {finding.number: texts[f"claim_{finding.number}"] for finding in findings}
    verdicts = {f.number: verdict(f, about[f.number]["verdict"]) for f in findings}
    remarks = {number: text.get("remarks", "").strip() for number, text in about.items()}
    known = {"scenes": scenes, "studio": studio, "anchor": anchor, "told": told}
    return TEMPLATES.get_template("page.md.jinja").render(
        findings=findings, folder=folder, verdicts=verdicts, remarks=remarks, **known
    )


def tell_in_claim(number: int, parts: Iterable[Part], docs: Path) -> None:
    """Put figures and tables of other runs into a claim's finding, and write the page anew."""
    findings = load(docs / "proof")
    for finding in findings:
        if finding.number == number:
            finding.replace(parts)
            save(finding, docs / "proof")
    write_page(findings, docs / "proof.md", docs / "images" / "proof")


def verdict(finding: Finding, text: str) -> str:
    """One line. Raises KeyError for a figure that the finding does not have."""
    known = {f.name: f for f in finding.figures}
    facts = {"value": lambda name: value(known[name].estimate.value, known[name].unit)}
    return " ".join(filled(text, facts).split())


def anchor(finding: Finding) -> str:
    """As GitHub makes it of the heading."""
    heading = f"{finding.number} {finding.title}".lower()
    return "".join(c for c in heading if c.isalnum() or c in " -").replace(" ", "-")


def told(estimate: Estimate, unit: str = "") -> str:
    low, high = number(estimate.low, unit), number(estimate.high, unit)
    return f"{value(estimate.value, unit)} [{low}, {high}]"


def printed(part: Part) -> str:
    """A table or a figure for a terminal, as benchmarks print them that take hours."""
    if isinstance(part, Table):
        return f"\n{markdown(part)}\n"
    assert isinstance(part, Figure)
    estimate, verdict = part.estimate, {None: "", True: "holds", False: "missed"}[part.holds]
    figures = f"{told(estimate, part.unit)}, {estimate.count} clips"
    return f"{part.name}: {figures}  {part.line}  {verdict}".rstrip()


def value(value: float, unit: str) -> str:
    return f"{number(value, unit)} {unit}".strip()


def number(value: float, unit: str) -> str:
    return f"{100 * value:.1f}" if unit == "%" else f"{value:.3g}" if value else "0"
