"""A claim's finding: its verdict, its file, and what the page says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from animatediff_kit.benchmarks.claims.estimates import Estimate, mean, share
from animatediff_kit.benchmarks.claims.findings import (
    Finding,
    Picture,
    Table,
    at_least,
    below,
    figure,
    load,
    save,
)
from animatediff_kit.benchmarks.claims.page import anchor, page, told, write_page

VERDICT = """It falls by
{{ value("fall") }}, to {{ value("clean clips") }}."""
TEXTS = {
    "claim_3": {"verdict": VERDICT, "remarks": "Why.\n"},
    "claim_4": {"verdict": "Nothing is known."},
}


def finding(reached: bool = True, refused: bool = True, number: int = 3) -> Finding:
    made = Finding(number, "The adapter takes up the defect", "How it was measured.")
    fall, clean = share([True] * 10), mean([0.1, 0.2])
    made.take(
        [
            figure("fall", fall, at_least(0.95 if reached else 1.5), "%"),
            figure("clean clips", clean, below(0.5 if refused else 0.1), control=True),
            figure("only told", Estimate(0.0, 0.0, 0.0, 4)),
            Picture("adapter.png", "The watermark over the scale"),
            Table("More", [["a", "b"], ["1", "2"]]),
        ]
    )
    made.weights["base.safetensors"] = "abc"
    return made


@pytest.mark.parametrize(("reached", "refused"), [(False, True), (True, False)])
def test_a_missed_line_and_a_control_that_passes_are_both_no_proof(
    reached: bool, refused: bool
) -> None:
    assert finding().holds
    assert not finding(reached, refused).holds
    text = page([finding(reached, refused)], "images", TEXTS)
    assert ("**missed**" in text) is not reached
    assert ("**not refused**" in text) is not refused


def test_a_finding_is_the_same_after_a_sitting(tmp_path: Path) -> None:
    made = finding()
    save(made, tmp_path)
    save(finding(number=1), tmp_path)
    first, third = load(tmp_path)
    assert first.number == 1 and third == made


def test_the_page_tells_figures_intervals_and_files(tmp_path: Path) -> None:
    pictures, path = tmp_path / "docs" / "images" / "proof", tmp_path / "docs" / "proof.md"
    write_page([finding(), finding(False, number=4)], path, pictures, TEXTS)
    text = path.read_text(encoding="utf-8")
    assert "| fall | 100.0 % [72.2, 100.0] | 10 | at least 95% | reached |" in text
    row = "| control: clean clips | 0.15 [0.1, 0.2] | 2 | below 0.5 | refused, as it must be |"
    assert row in text
    assert "| only told | 0 [0, 0] | 4 |  |  |" in text
    assert "More\n\n| a | b |\n|---|---|\n| 1 | 2 |\n" in text
    assert "](images/proof/adapter.png)" in text
    assert "\n\nWhy.\n\n<sub>base.safetensors `abc`</sub>\n" in text
    link = "[The adapter takes up the defect](#3-the-adapter-takes-up-the-defect)"
    verdict = "It falls by 100.0 %, to 0.15."
    assert f"| 3 | {link} | 1 of 1 | 1 of 1 | {verdict} |" in text
    assert f"\n\n**{verdict}**\n\nHow it was measured.\n" in text
    assert "| 0 of 1 | 1 of 1 | Nothing is known. |" in text


def test_a_verdict_of_no_figure_is_refused() -> None:
    texts = {"claim_3": {"verdict": '{{ value("rise") }}'}}
    with pytest.raises(KeyError, match="rise"):
        page([finding()], "images", texts)


def test_links_in_the_page_are_github_s() -> None:
    assert anchor(Finding(2, "It moves, untouched: models", "")) == "2-it-moves-untouched-models"


def test_signs_and_units() -> None:
    assert told(Estimate(-0.254, -0.5, 0.001, 3), "%") == "-25.4 % [-50.0, 0.1]"
    assert told(Estimate(1234.5, 0.012, 2e5, 3), "px") == "1.23e+03 px [0.012, 2e+05]"
