"""A claim's finding: its verdict, its file, and what the page says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from animatediff_kit.benchmarks.claims.estimates import Estimate, mean, share
from animatediff_kit.benchmarks.claims.findings import Finding, Picture, load, save
from animatediff_kit.benchmarks.claims.page import (
    anchor,
    outdated,
    section,
    told_estimate,
    write_page,
)


def finding(reached: bool = True, refused: bool = True, number: int = 3) -> Finding:
    made = Finding(number, "The adapter takes up the defect", "How it was measured.")
    made.add("fall", share([True] * 10), "at least 95 %", reached, "%")
    made.add("clean clips", mean([0.1, 0.2]), "below 0.5", refused, control=True)
    made.add("only told", Estimate(0.0, 0.0, 0.0, 4))
    made.pictures.append(Picture("adapter.png", "The watermark over the scale"))
    made.tables.append(("More", [["a", "b"], ["1", "2"]]))
    made.weights["base.safetensors"] = "abc"
    made.minutes, made.machine = 7.0, "2 threads"
    return made


@pytest.mark.parametrize(("reached", "refused"), [(False, True), (True, False)])
def test_a_missed_line_and_a_control_that_passes_are_both_no_proof(
    reached: bool, refused: bool
) -> None:
    assert finding().holds
    assert not finding(reached, refused).holds
    page = section(finding(reached, refused), "images")
    assert ("**missed**" in page) is not reached
    assert ("**not refused**" in page) is not refused


def test_a_finding_is_the_same_after_a_sitting(tmp_path: Path) -> None:
    made = finding()
    save(made, tmp_path)
    save(finding(number=1), tmp_path)
    first, third = load(tmp_path)
    assert first.number == 1 and third == made


def test_the_page_tells_figures_intervals_and_files(tmp_path: Path) -> None:
    pictures = tmp_path / "docs" / "images" / "proof"
    write_page([finding(), finding(False, number=4)], tmp_path / "docs" / "proof.md", pictures)
    page = (tmp_path / "docs" / "proof.md").read_text(encoding="utf-8")
    assert "| fall | 100.0 % [72.2, 100.0] | 10 | at least 95 % | reached |" in page
    assert (
        "| control: clean clips | 0.15 [0.1, 0.2] | 2 | below 0.5 | refused, as it must be |"
        in page
    )
    assert "| only told | 0 [0, 0] | 4 |  |  |" in page
    assert "](images/proof/adapter.png)" in page
    assert "base.safetensors `abc`" in page
    link = "[The adapter takes up the defect](#3-the-adapter-takes-up-the-defect)"
    assert f"| 3 | {link} | 1 of 1 | 1 of 1 |" in page
    assert "| 0 of 1 | 1 of 1 |" in page


def test_links_in_the_page_are_github_s() -> None:
    assert anchor(Finding(2, "It moves, untouched: models", "")) == "2-it-moves-untouched-models"


def test_signs_and_units() -> None:
    assert told_estimate(Estimate(-0.254, -0.5, 0.001, 3), "%") == "-25.4 % [-50.0, 0.1]"
    assert told_estimate(Estimate(1234.5, 0.012, 2e5, 3), "px") == "1.23e+03 px [0.012, 2e+05]"


def test_findings_of_other_weights_are_named() -> None:
    assert not outdated([finding()], {"base.safetensors": "abc", "new.safetensors": "x"})
    (line,) = outdated([finding()], {"base.safetensors": "changed"})
    assert "Claim 3 was measured on other weights (base.safetensors)" in line
