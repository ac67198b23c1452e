"""docs/proof.md out of the findings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ...training.run.toml_tables import toml_reader
from .estimates import Estimate
from .findings import Figure, Finding
from .scenes import CHECKED, NETWORKS, REPORT
from .studio import GUIDANCE, SAMPLER, STEPS

REMARKS = Path(__file__).resolve().parent / "remarks.toml"
"""What people found out about figures that miss their lines: a table `claim_N` with a `text`."""

HEAD = f"""\
# The proof

AnimateDiff's claims, measured on the small world: models of a few megabytes that the pack's own
three stages trained on drawn clips, rendered by ComfyUI's sampler ({SAMPLER}, {STEPS} steps,
guidance {GUIDANCE:g}, 16 frames of 64 x 64 pixels). `benchmarks/paper_claims.py` measures all of
it, draws the pictures and writes this page.

Every figure has its 95 % interval in brackets, over N clips: the bootstrap's over clips (4,000
draws), Wilson's for shares, the jackknife's over eighths for Frechet distances. Lines were set
beforehand, on drawn clips of other seeds. A control is made so that a measure which sees anything
at all must refuse it. Networks that judge are small, trained on drawn clips, and no substitute for
those of large scale; none of their scores is comparable to published ones.

Seeds: scenes and noise are drawn from {REPORT}; judging networks learn from {NETWORKS} and are
checked on {CHECKED}. All weights are of one training, seed 0: how much another would differ is not
measured.
"""


def write_page(findings: Sequence[Finding], path: Path, pictures: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(os.path.relpath(pictures, path.parent)).as_posix()
    remarks = toml_reader().loads(REMARKS.read_text(encoding="utf-8"))
    parts = [HEAD, summary(findings)]
    for finding in findings:
        remark = remarks.get(f"claim_{finding.number}", {}).get("text", "")
        parts.append(section(finding, folder, remark))
    path.write_text("\n".join(parts), encoding="utf-8")


def summary(findings: Sequence[Finding]) -> str:
    rows = [
        f"| {f.number} | [{f.title}](#{anchor(f)}) | {lines_reached(f)} | {controls_refused(f)} |"
        for f in findings
    ]
    head = ["| | claim | lines reached | controls refused |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def lines_reached(finding: Finding) -> str:
    held = [f.holds for f in finding.figures if f.holds is not None and not f.control]
    return f"{sum(held)} of {len(held)}"


def controls_refused(finding: Finding) -> str:
    held = [f.holds for f in finding.figures if f.holds is not None and f.control]
    return f"{sum(held)} of {len(held)}"


def heading(finding: Finding) -> str:
    return f"{finding.number}. {finding.title}"


def anchor(finding: Finding) -> str:
    """As GitHub makes it of a heading."""
    kept = [c for c in heading(finding).lower() if c.isalnum() or c in " -"]
    return "".join(kept).replace(" ", "-")


def section(finding: Finding, folder: str, remark: str = "") -> str:
    parts = [f"## {heading(finding)}", finding.method, figures_table(finding.figures)]
    parts += [f"{title}\n\n{plain_table(rows)}" for title, rows in finding.tables]
    parts += [f"![{p.shows}]({folder}/{p.file})\n\n{p.shows}." for p in finding.pictures]
    if remark:
        parts.append(remark.strip())
    weights = ", ".join(f"{name} `{digest}`" for name, digest in sorted(finding.weights.items()))
    size = f"At {finding.size:.0%} of the full number of clips. " if finding.size != 1 else ""
    took = f"{finding.minutes:.0f} minutes on {finding.machine}."
    parts.append(f"<sub>{size}{took} {weights}</sub>")
    return "\n\n".join(parts) + "\n"


def figures_table(figures: Sequence[Figure]) -> str:
    rows = [["figure", "value", "N", "line", ""]]
    for figure in figures:
        name = f"control: {figure.name}" if figure.control else figure.name
        told = told_estimate(figure.estimate, figure.unit)
        rows.append([name, told, str(figure.estimate.count), figure.line, figure.verdict])
    return plain_table(rows)


def plain_table(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def told_estimate(estimate: Estimate, unit: str = "") -> str:
    low, high = told(estimate.low, unit), told(estimate.high, unit)
    end = " %" if unit == "%" else f" {unit}" if unit else ""
    return f"{told(estimate.value, unit)}{end} [{low}, {high}]"


def told(value: float, unit: str) -> str:
    if unit == "%":
        return f"{100 * value:.1f}"
    return f"{value:.3g}" if value else "0"


def outdated(findings: Sequence[Finding], current: dict[str, str]) -> list[str]:
    """Claims whose weights are no longer those on disk.   current: file name -> digest"""
    return [
        f"Claim {f.number} was measured on other weights ({name}); measure it again."
        for f in findings
        for name, digest in f.weights.items()
        if name in current and current[name] != digest
    ]
