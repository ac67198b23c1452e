"""What the comparison of stop rules says of runs that are made up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from animatediff_kit.benchmarks.claims.stopping import (
    RUNS,
    SHUFFLED,
    ended_at,
    row,
    rule_of,
    verdict_on,
)
from animatediff_kit.training.engine import stop_rules
from animatediff_kit.training.engine.looks import Look, PreviewFigures

SEEN = PreviewFigures(0, "a star", 0.0, 0.0, 1.0, 0.0, off_axis=0.1, flow=1.0, warp_error=0.01)


def looks_that_pan(steps: list[int], amounts: list[float]) -> list[Look]:
    """Eight previews of each look, which pan to the left by its amount."""
    pans = (replace(SEEN, pan=amount) for amount in amounts)
    return [Look(step, (), (seen,) * 8) for step, seen in zip(steps, pans, strict=True)]


@pytest.mark.parametrize("name", RUNS)
def test_every_run_has_a_rule(name: str) -> None:
    assert stop_rules.parse(rule_of(name)).previews == 8


def test_a_rule_ends_a_run_at_the_second_look_in_a_row() -> None:
    looks = looks_that_pan([20, 40, 60, 80, 100], [0.0, 0.2, 0.1, 0.2, 0.25])
    assert ended_at("pan left", looks) == 100
    assert ended_at("pan left", looks[:4]) is None
    assert row("pan left", looks, 96) == "| pan left | 100 | 96 | 100 | +4%, within |"
    assert row("pan left", looks, None) == "| pan left | 100 | not said | 100 |  |"
    assert row("pan left", looks[:3], 50) == "| pan left | 60 | 50 | never |  |"


def test_shuffled_frames_must_never_end_a_run() -> None:
    name = f"pan left, {SHUFFLED}"
    looks = looks_that_pan([20, 40, 60], [0.0, 0.2, 0.2])
    assert row(name, looks, None).endswith("| 60 | not |")
    assert row(name, looks[:2], None).endswith("| never | as it must be |")
    assert verdict_on(name, 0, None, None) == "", "nothing has been run"
    assert verdict_on("pan left", 100, 100, 80) == "+25%, not"
