"""docs/proof.md out of the findings: page.md.jinja, and what claims.toml says of each claim."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...training.run.toml_tables import toml_reader
from .estimates import Estimate
from .findings import Finding
from .scenes import CHECKED, NETWORKS, REPORT
from .studio import GUIDANCE, SAMPLER, STEPS

HERE = Path(__file__).resolve().parent

Texts = Mapping[str, Mapping[str, str]]
TEXTS: Texts = toml_reader().loads((HERE / "claims.toml").read_text(encoding="utf-8"))
"""claim_N -> title, method, verdict, and perhaps remarks"""

OUTCOMES = {
    # control, holds -> what the page says
    (False, True): "reached",
    (False, False): "**missed**",
    (True, True): "refused, as it must be",
    (True, False): "**not refused**",
    (False, None): "",
}

FACTS = {
    "SAMPLER": SAMPLER,
    "STEPS": STEPS,
    "GUIDANCE": GUIDANCE,
    "REPORT": REPORT,
    "NETWORKS": NETWORKS,
    "CHECKED": CHECKED,
    "OUTCOMES": OUTCOMES,
}

TEMPLATES = Environment(
    loader=FileSystemLoader(HERE),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)  # Markdown: nothing to escape


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
    template = TEMPLATES.get_template("page.md.jinja")
    return template.render(
        {**FACTS, "heading": heading, "anchor": anchor, "told": told, "reached": reached},
        findings=findings,
        folder=folder,
        verdict=lambda finding: verdict(finding, texts),
        remarks=lambda finding: texts[key(finding)].get("remarks", "").strip(),
    )


def reached(held: Sequence[bool]) -> str:
    return f"{sum(held)} of {len(held)}"


def key(finding: Finding) -> str:
    return f"claim_{finding.number}"


def verdict(finding: Finding, texts: Texts) -> str:
    """One line. Raises KeyError for a figure that the finding does not have."""
    values = {f.name: number(f.estimate.value, f.unit) for f in finding.figures}
    units = {f.name: f.unit for f in finding.figures}
    text = filled(texts[key(finding)]["verdict"], {"value": lambda n: values[n] + end(units[n])})
    return " ".join(text.split())


def heading(finding: Finding) -> str:
    return f"{finding.number}. {finding.title}"


def anchor(finding: Finding) -> str:
    """As GitHub makes it of a heading."""
    kept = [c for c in heading(finding).lower() if c.isalnum() or c in " -"]
    return "".join(kept).replace(" ", "-")


def told(estimate: Estimate, unit: str = "") -> str:
    value, low, high = (number(v, unit) for v in (estimate.value, estimate.low, estimate.high))
    return f"{value}{end(unit)} [{low}, {high}]"


def number(value: float, unit: str) -> str:
    if unit == "%":
        return f"{100 * value:.1f}"
    return f"{value:.3g}" if value else "0"


def end(unit: str) -> str:
    return f" {unit}" if unit else ""


def outdated(findings: Sequence[Finding], current: dict[str, str]) -> list[str]:
    """Claims whose weights are no longer those on disk.   current: file name -> digest"""
    return [
        f"Claim {f.number} was measured on other weights ({name}); measure it again."
        for f in findings
        for name, digest in f.weights.items()
        if name in current and current[name] != digest
    ]
