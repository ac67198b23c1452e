"""The marks of tests: each names something that is there, and the quick run leaves it out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from adk_tests.house.rooms import ROOT
from adk_tests.support.marks import MARKS
from animatediff_kit.launcher.checks import QUICK

TESTS = ROOT / "tests"


def test_what_is_marked_exists() -> None:
    for place in MARKS:
        path, _, test = place.partition("::")
        assert (TESTS / path).exists(), place
        assert f"def {test}(" in (TESTS / path).read_text("utf-8") if test else True, place


def test_quick_leaves_out_every_mark(pytestconfig: pytest.Config) -> None:
    declared = {str(line).partition(":")[0] for line in pytestconfig.getini("markers")}
    assert set(MARKS.values()) <= declared
    assert set(re.findall(r"\w+", QUICK)) - {"not", "or"} == set(MARKS.values())


QUICK_ROOMS = (
    "motion_models",
    "sampling",
    "nodes",
    "measures",
    "conversion",
    "launcher",
    "training/data",
)


@pytest.mark.parametrize("room", QUICK_ROOMS)
def test_the_quick_run_covers_the_room(room: str) -> None:
    """More than half of its files."""
    files = [path.relative_to(TESTS).as_posix() for path in (TESTS / room).rglob("test_*.py")]
    left_out = [f for f in files if any(Path(f).is_relative_to(place) for place in MARKS)]
    assert files and len(left_out) < len(files) / 2
