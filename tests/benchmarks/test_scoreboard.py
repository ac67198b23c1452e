"""The scoreboard's rows, and what it says of times."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of benchmarks/board, by name; benchmarks is no package."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: importlib.import_module(f"board.{name}")


def test_every_row_is_measured_or_says_why_not(board: Any) -> None:
    rows = board("rows").ROWS
    names = [row.name for row in rows]
    assert len(set(names)) == len(names) and {f"B{i}" for i in range(1, 14)} <= set(names)
    assert all(row.goal and (row.measure or row.reason) for row in rows)


def test_ratios_are_taken_round_by_round(board: Any) -> None:
    times = board("pairs").Times({"ours": [1.0, 4.0, 9.0], "theirs": [2.0, 5.0, 10.0]})
    assert times.ratio("ours", "theirs") == "0.80 (0.50 - 0.90)"
    assert times.spread("theirs") == "5.00"


def test_motion_layers_are_placed_in_a_millisecond_or_so(board: Any) -> None:
    placed = board("placing").placing_row(1)
    assert set(placed) == {"v1", "v3"}
    assert all(0.0 < float(cell.removesuffix(" ms")) < 5.0 for cell in placed.values())


def test_operations_are_fewer_than_diffusers(board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    temporal = board("temporal")
    monkeypatch.setattr(temporal, "CHANNELS", 64)
    row = temporal.operations_row()
    counted = {name: int(row[name].split()[0]) for name in ("ours", "reference", "diffusers")}
    assert counted["ours"] == 24 < counted["reference"] < counted["diffusers"]
    interpreted = importlib.util.find_spec("triton") and not torch.cuda.is_available()
    assert row["ours in Triton kernels"].startswith("11 " if interpreted else "not counted: ")
