"""docs/proof.md tells what was measured, of the weights that ship."""

from __future__ import annotations

from pathlib import Path

from animatediff_kit.benchmarks.claims.command_line import CLAIMS, DOCS
from animatediff_kit.benchmarks.claims.findings import load
from animatediff_kit.benchmarks.claims.page import TEXTS, filled, write_page
from animatediff_kit.benchmarks.claims.studio import digest
from animatediff_kit.small_world import files

FOUND = load(DOCS / "proof")


def test_there_are_findings_of_known_claims() -> None:
    assert FOUND and {finding.number for finding in FOUND} <= set(CLAIMS)


def test_titles_and_methods_are_those_of_the_code() -> None:
    """What a finding says of itself was written when it was measured."""
    for finding in FOUND:
        text = TEXTS[f"claim_{finding.number}"]
        assert text["title"] == finding.title
        assert filled(text["method"], vars(CLAIMS[finding.number])) == finding.method


def test_every_finding_is_of_the_weights_that_ship() -> None:
    shipped = {path.name: digest(path) for path in files.WEIGHTS.rglob("*.safetensors")}
    for finding in FOUND:
        both = finding.weights.keys() & shipped
        assert both and all(finding.weights[name] == shipped[name] for name in both)


def test_the_page_is_what_the_findings_make(tmp_path: Path) -> None:
    write_page(FOUND, tmp_path / "proof.md", tmp_path / "images" / "proof")
    made = (tmp_path / "proof.md").read_text(encoding="utf-8")
    assert made == (DOCS / "proof.md").read_text(encoding="utf-8")


def test_every_picture_of_the_page_is_there() -> None:
    pictures = DOCS / "images" / "proof"
    missing = [p.file for f in FOUND for p in f.pictures if not (pictures / p.file).is_file()]
    assert not missing
